"""`tagwire publish` and `tagwire tail` against a real broker."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, RAW
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import read_committed
from tests.journey.conftest import worker


async def tagwire(
    settings: KafkaSettings, *arguments: str, stdin: bytes = b"", within_s: float = 60
) -> tuple[int | None, str, str]:
    """Return status, standard output and standard error; after `within_s` TimeoutError with the latter."""
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
    }
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
    )
    ending = asyncio.ensure_future(process.communicate(stdin))
    await asyncio.wait({ending}, timeout=within_s)
    if not ending.done():
        process.terminate()
        raise TimeoutError((await ending)[1].decode())
    out, err = ending.result()
    return process.returncode, out.decode(), err.decode()


async def test_what_keeps_the_contract_is_published_and_the_rest_refused_with_the_reason(
    settings: KafkaSettings, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_bytes("<p>Crue à Conakry</p>".encode("latin-1"))
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "batch.jsonl").write_bytes(article(1)[1] + b'\n{"id": "b", "source": "x"}\n' + article(2)[1])

    status, out, err = await tagwire(settings, "publish", str(tmp_path))

    records = await read_committed(settings.bootstrap_servers, settings.topic(RAW))
    refused = [orjson.loads(line) for line in err.splitlines()]
    assert {record.key for record in records} == {b"page.html", b"article-1", b"article-2"}
    assert [record.value for record in records if record.key == b"page.html"] == [
        "<p>Crue à Conakry</p>".encode("latin-1")
    ]
    assert [(each["id"], each["reason"]) for each in refused] == [
        ("b", "invalid_document"),
        ("empty.txt", "empty_body"),
    ]
    assert "body" in refused[0]["message"]
    assert out == "3 published, 2 refused: 1 invalid_document, 1 empty_body\n"
    assert status == 1


async def test_published_documents_are_tailed_by_tag(settings: KafkaSettings) -> None:
    lines = b"\n".join(article(number)[1] for number in range(40))

    status, out, err = await tagwire(settings, "publish", "-", stdin=lines)
    async with worker(settings):
        _, tailed, _ = await tagwire(settings, "tail", "--from-start", "--tag", "libya", "-n", "5")

    documents = [ClassifiedDocument.model_validate_json(line) for line in tailed.splitlines()]
    assert (status, out, err) == (0, "40 published, 0 refused\n", "")
    assert {document.id for document in documents} == {f"article-{number}" for number in range(0, 40, 8)}


async def test_a_cluster_without_our_topics_is_told_apart(kafka: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)

    for command in (("publish", "-"), ("worker",), ("tail", "-n", "1")):
        status, _, err = await tagwire(settings, *command)

        assert status == 1
        assert "tagwire topics create" in err
        assert "Traceback" not in err


async def test_no_cluster_is_one_sentence() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1")

    for command in (("publish", "-"), ("worker",), ("tail",), ("lag",), ("topics", "create")):
        status, _, err = await tagwire(settings, *command)

        assert status == 1
        # A worker says first what it will read.
        *said, sentence = err.splitlines()
        assert sentence.startswith("tagwire: Kafka does not answer at 127.0.0.1:1.")
        assert len(said) == (command == ("worker",))


async def test_tail_says_what_it_waits_for_when_nothing_comes(settings: KafkaSettings) -> None:
    with pytest.raises(TimeoutError) as stopped:
        await tagwire(settings, "tail", "--tag", "sport", "--language", "EN", within_s=15)

    topic = settings.topic(CLASSIFIED)
    assert str(stopped.value) == (
        f"Waiting for documents with tag sport, language EN in {topic} at {settings.bootstrap_servers}, from now on.\n"
    )


async def test_a_language_is_found_in_whatever_case(settings: KafkaSettings) -> None:
    await tagwire(settings, "publish", "-", stdin=article(0)[1])
    async with worker(settings):
        status, out, _ = await tagwire(settings, "tail", "--from-start", "--language", "EN", "-n", "1")

    assert (status, len(out.splitlines())) == (0, 1)


async def test_an_unknown_tag_is_wrong_usage(settings: KafkaSettings) -> None:
    status, out, err = await tagwire(settings, "tail", "--tag", "lybia")

    assert (status, out) == (2, "")
    assert err == "tagwire: --tag lybia: there is no such tag; did you mean libya?\n"


async def test_lag_shows_what_a_worker_would_find_before_there_is_one(settings: KafkaSettings) -> None:
    await tagwire(settings, "publish", "-", stdin=b"\n".join(article(number)[1] for number in range(10)))

    _, out, _ = await tagwire(settings, "lag", "--group", settings.group("tagwire-clean-route"))
    _, every, _ = await tagwire(settings, "lag")

    rows = [orjson.loads(line) for line in out.splitlines()]
    assert [row["committed"] for row in rows] == [None] * 4
    assert sum(row["lag"] for row in rows) == 10
    # Two looks at two moments: their times differ.
    assert {place(row) for row in rows} <= {place(orjson.loads(line)) for line in every.splitlines()}


def place(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["group"], row["topic"], row["partition"], row["lag"]
