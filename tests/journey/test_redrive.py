"""`tagwire dead-letters` on a real broker: what died is listed, read, and put back once, when it would pass."""

import os
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from aiokafka import ConsumerRecord

from schemas import headers
from schemas.dead_letters import Reason
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW
from services.kafka import codec
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import Message, produce, read_committed, until
from tests.journey.conftest import worker

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(range(256)) * 20
TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

Found = list[ConsumerRecord[bytes | None, bytes | None]]


async def dead_letters(settings: KafkaSettings, *arguments: str) -> tuple[int | None, bytes, str]:
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        "TAGWIRE_WORKER_CHILDREN": "1",
    }
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "dead-letters", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
    )
    out, err = await process.communicate()
    return process.returncode, out, err.decode()


async def redrive(settings: KafkaSettings, *arguments: str) -> str:
    status, out, err = await dead_letters(settings, "redrive", *arguments)
    assert status == 0, err
    return err + out.decode()


def letter(
    settings: KafkaSettings,
    number: int,
    *,
    reason: Reason = Reason.STEP_FAILED,
    value: bytes | None = None,
    topic: str | None = None,
    replays: int = 0,
) -> Message:
    """A dead letter of a good article, as a worker whose code had a bug would have written it."""
    key, envelope = article(number)
    own = ((headers.TRACEPARENT, TRACE), ("x-own", b"\xff kept"), (headers.DLQ_REPLAY_COUNT, str(replays).encode()))
    place = (topic or settings.topic(RAW), 0, 10_000_000 + number, 1_700_000_000_000)
    record = Record(*place, key, envelope if value is None else value, own)
    error = KeyError(f"value {number}")
    output = codec.dead_letter(record, reason=reason, stage="classify", message=repr(error), exception=error, group="g")
    return output.key, output.value, [(name, value or b"") for name, value in output.headers]


async def letters(settings: KafkaSettings, messages: Iterable[Message]) -> None:
    await produce(settings.bootstrap_servers, settings.topic(DEAD_LETTER), messages)


async def found(settings: KafkaSettings, topic: Any) -> Found:
    return await read_committed(settings.bootstrap_servers, settings.topic(topic))


async def worked_off(settings: KafkaSettings, *, classified: int, dead: int) -> tuple[Found, Found]:
    """Run a worker until so many came out; return what did."""

    async def all_out() -> bool:
        return (len(await found(settings, CLASSIFIED)), len(await found(settings, DEAD_LETTER))) >= (classified, dead)

    async with worker(settings):
        await until(all_out, within_s=60)
    return await found(settings, CLASSIFIED), await found(settings, DEAD_LETTER)


async def test_what_died_is_listed_by_cause_and_its_bytes_come_back_as_they_were(settings: KafkaSettings) -> None:
    bad: list[Message] = [(b"picture", JPEG, [("x-own", b"kept")]), (b"empty-1", b"", ()), (b"empty-2", b"", ())]
    bad += [(b"v-%d" % n, orjson.dumps({"source": "x", "body": "t", "version": f"v{n}"}), ()) for n in range(3)]
    await produce(settings.bootstrap_servers, settings.topic(RAW), bad)
    await worked_off(settings, classified=0, dead=6)

    status, listed, _ = await dead_letters(settings, "list")
    _, each, _ = await dead_letters(
        settings, "list", "--each", "--reason", "not_text", "--since", "1h", "--id", "picture"
    )
    _, none, _ = await dead_letters(settings, "list", "--until", "1h")
    shown, body, _ = await dead_letters(settings, "show", "picture", "--bytes")
    _, told, _ = await dead_letters(settings, "show", orjson.loads(each)["original"]["position"])

    groups = [orjson.loads(line) for line in listed.splitlines()]
    assert [(group["count"], group["reason"]) for group in groups] == [
        (3, "invalid_document"),
        (2, "empty_body"),
        (1, "not_text"),
    ]
    assert (status, shown, none) == (0, 0, b"")
    assert body == JPEG
    assert orjson.loads(told)["id"] == "picture"
    assert ["x-own", "kept"] in orjson.loads(told)["headers"]


async def test_a_dry_run_counts_what_would_pass_and_sends_nothing(settings: KafkaSettings) -> None:
    dying = [letter(settings, 100 + n, reason=Reason.NOT_TEXT, value=JPEG) for n in range(3)]
    await letters(settings, [*(letter(settings, n) for n in range(37)), *dying])

    told = await redrive(settings, "--dry-run")
    lines = await redrive(settings, "--dry-run", "--reason", "not_text", "--json")

    assert "37 of 40 would now pass; 3 would die again: 3 not_text\n" in told
    fates = [orjson.loads(line) for line in lines.splitlines() if line.startswith("{")]
    assert [(fate["fate"], fate["now"]["reason"]) for fate in fates] == [("dies", "not_text")] * 3
    assert await found(settings, RAW) == []


async def test_what_now_passes_comes_out_once_however_often_redrive_is_called(settings: KafkaSettings) -> None:
    await letters(settings, [letter(settings, n) for n in range(20)])
    await letters(settings, [letter(settings, 100, value=JPEG)])

    first = await redrive(settings)
    while_it_waits = await redrive(settings)
    out, _ = await worked_off(settings, classified=20, dead=21)
    afterwards = await redrive(settings)

    assert "20 of 21 put back; 1 would die again: 1 not_text (1 not sent: --all sends them, too)\n" in first
    assert "skipped: 20 put back already\n" in while_it_waits
    assert "0 of 1 put back" in while_it_waits
    assert "skipped: 20 put back already\n" in afterwards
    assert sorted(record.key or b"" for record in out) == sorted(article(n)[0] for n in range(20))
    sent = await found(settings, RAW)
    assert {(record.key, record.value) for record in sent} == {article(n) for n in range(20)}
    assert all(
        tuple(record.headers)
        == ((headers.TRACEPARENT, TRACE), ("x-own", b"\xff kept"), (headers.DLQ_REPLAY_COUNT, b"1"))
        for record in sent
    )
    assert all((headers.TRACEPARENT, TRACE) in record.headers for record in out)


async def test_what_dies_again_is_a_new_letter_and_is_left_alone_in_the_end(settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"picture", JPEG, ())])
    await worked_off(settings, classified=0, dead=1)

    first = await redrive(settings, "--all", "--max-replays", "1")
    _, (_, again) = await worked_off(settings, classified=0, dead=2)
    second = await redrive(settings, "--all", "--max-replays", "1")
    third = await redrive(settings, "--all", "--dry-run")

    assert "1 of 1 put back" in first
    assert (headers.DLQ_REPLAY_COUNT, b"1") in again.headers
    assert sum(name.startswith(("kafka_dlt-", "dlq-")) for name, _ in again.headers) == 9
    assert "nothing to put back of 2 dead letters" in second
    assert "1 with a later dead letter of the same record" in second
    assert "1 put back 1 times or more (--max-replays)" in second
    assert "0 of 1 would now pass" in third
    assert len(await found(settings, RAW)) == 2


async def test_a_letter_behind_a_newer_document_is_warned_of_and_held_back(settings: KafkaSettings) -> None:
    def version(number: int, version: int) -> tuple[bytes, bytes]:
        key, envelope = article(number)
        return key, orjson.dumps({**orjson.loads(envelope), "version": version})

    newer: list[Message] = [(*version(0, 3), ()), (*version(1, 2), ()), (*version(2, 1), ())]
    await produce(settings.bootstrap_servers, settings.topic(RAW), newer)
    await worked_off(settings, classified=3, dead=0)
    await letters(settings, [letter(settings, n, value=version(n, 2)[1]) for n in range(4)])

    told = await redrive(settings, "--dry-run")
    sent = await redrive(settings)
    forced = await redrive(settings, "--all", "--id", "article-0")

    assert "4 of 4 would now pass; 1 of them would come behind a newer document" in told
    assert "warning: article-0 version 2: version 3 is classified already" in told
    assert "3 of 4 put back" in sent
    assert "1 of 1 put back" in forced


async def test_letters_go_to_topics_of_this_installation_only_and_at_a_rate(settings: KafkaSettings) -> None:
    elsewhere = [letter(settings, n, topic=topic) for n, topic in enumerate(("other.documents.raw", "documents.raw"))]
    itself = letter(settings, 2, topic=settings.topic(DEAD_LETTER))
    await letters(settings, [*elsewhere, itself, *(letter(settings, n) for n in range(10, 14))])

    told = await redrive(settings, "--all", "--rate", "2")

    assert "4 of 4 put back" in told
    assert "skipped: 3 from no topic of this installation" in told
    times = sorted(record.timestamp for record in await found(settings, RAW))
    assert times[-1] - times[0] > 1200
    assert len(await found(settings, DEAD_LETTER)) == 7


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        pytest.param(["list", "--reason", "no_txt"], 2, "--reason no_txt: expected one of null_value,", id="reason"),
        pytest.param(["redrive", "--since", "yesterday"], 2, "'yesterday' is no time", id="time"),
        pytest.param(["show", "nobody"], 1, "no dead letter has the id or position 'nobody'", id="id"),
    ],
)
async def test_an_error_is_one_sentence(
    settings: KafkaSettings, arguments: list[str], status: int, sentence: str
) -> None:
    ended, out, err = await dead_letters(settings, *arguments)

    assert (ended, out) == (status, b"")
    assert err.startswith(f"tagwire: {sentence}")
    assert len(err.splitlines()) == 1


async def test_a_cluster_without_our_topics_is_told_apart(kafka: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)

    for command in (["list"], ["show", "x"], ["redrive"]):
        status, _, err = await dead_letters(settings, *command)

        assert status == 1
        assert err.startswith("tagwire: missing on ")
        assert len(err.splitlines()) == 1
