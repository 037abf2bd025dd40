"""Kafka goes away and comes back: insights wait, and go on by themselves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.insights import TagCounts
from schemas.topics import TAG_COUNTS
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from tests.faults.cluster import kill
from tests.insights.documents import document
from tests.insights.harness import installation


@pytest.mark.broker
async def test_a_broker_killed_and_started_again(
    tmp_path: Path, prefix: str, took: Callable[[str, float], None]
) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        async with installation(broker.bootstrap_servers, prefix, tmp_path) as running:
            process = await running.ready()
            await running.publish([document(f"before-{number}") for number in range(500)])
            await kill(broker)
            await broker.start()
            await running.publish([document(f"after-{number}") for number in range(500)])

            took("the broker killed and started again", await running.until_caught_up())

            packs = await running.read(TAG_COUNTS, TagCounts)
            expected = {f"{when}-{number}" for when in ("before", "after") for number in range(500)}
            assert {each.id for pack in packs for each in pack.documents} == expected
            await process.leave()
    finally:
        await broker.stop()
