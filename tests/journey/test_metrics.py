"""What a worker counts is what came out of it, as Prometheus reads it."""

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, tag_topic
from services.core.taxonomy import shipped_routes
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import Message, produce, read_committed, until
from tests.journey.conftest import worker

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scrape(port: int) -> Samples:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_a_worker_counts_what_came_out_of_it(settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("TAGWIRE_WORKER_HTTP_PORT", str(port))
    good: list[Message] = [(*article(number), []) for number in range(20)]
    bad: list[Message] = [(b"empty", b"", []), (b"jpeg", b"\xff\xd8\xff\xe0" + bytes(100), [])]
    await produce(settings.bootstrap_servers, settings.topic(RAW), good + bad)

    samples: Samples = {}

    async def is_done() -> bool:
        nonlocal samples
        try:
            samples = await scrape(port)
        except aiohttp.ClientError:
            return False
        counted = sum(value for (name, _), value in samples.items() if name == "tagwire_documents_total")
        return counted == len(good) + len(bad)

    async with worker(settings):
        await until(is_done, within_s=60)

    documents = await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))
    letters = await read_committed(settings.bootstrap_servers, settings.topic(DEAD_LETTER))

    copies = [
        record
        for tag in shipped_routes()
        for record in await read_committed(settings.bootstrap_servers, settings.topic(tag_topic(tag)))
    ]

    def value(name: str, **labels: str) -> float | None:
        return samples.get((name, tuple(sorted(labels.items()))))

    assert value("tagwire_documents_total", outcome="processed", reason="none") == len(documents) == len(good)
    assert value("tagwire_documents_total", outcome="dead_letter", reason="empty_body") == 1
    assert value("tagwire_documents_total", outcome="dead_letter", reason="not_text") == 1
    assert len(letters) == len(bad)
    for stage in ("enrich", "classify", "route"):
        assert value("tagwire_stage_duration_seconds_count", stage=stage) == len(good)
    assert value("tagwire_in_flight_bytes") == 0
    assert value("tagwire_batch_records_sum") == len(good) + len(bad)
    assert value("tagwire_transactions_total", outcome="failed") == 0
    assert value("tagwire_transaction_records_sum") == len(documents) + len(copies) + len(letters)
    sources = {dict(labels)["source"] for (name, labels) in samples if name == "tagwire_document_age_seconds_count"}
    assert sources == {"tests"}
