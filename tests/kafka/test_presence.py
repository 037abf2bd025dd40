"""Somebody who says that he is there, on a real broker; and what hinders him in it hinders nobody."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from schemas.topics import WORKERS
from services.kafka import presence
from services.kafka.admin import create_topics, missing_topics
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.presence import Presence
from services.kafka.settings import KafkaSettings
from tests.brokers import read_committed, until

WITHIN_S = 30
STOP_S = 3.5
"""What a worker's end may take, and a little for the machine."""


class Somebody:
    """Says his state and how often he has said something."""

    def __init__(self, settings: KafkaSettings, *, interval_s: float = 60.0) -> None:
        self.settings = settings
        self.state = "at rest"
        self.said = 0
        self.presence = Presence(
            settings, WORKERS, "me", told=self.told, state=lambda: self.state, interval_s=interval_s
        )

    def told(self) -> bytes:
        self.said += 1
        return self.state.encode()

    async def written(self) -> list[bytes | None]:
        records = await read_committed(self.settings.bootstrap_servers, self.settings.topic(WORKERS))
        return [record.value for record in records if record.key == b"me"]

    async def has_written(self, *values: bytes | None) -> None:
        async def is_so() -> bool:
            return await self.written() == list(values)

        await until(is_so, within_s=WITHIN_S)

    async def end(self) -> float:
        """Return how long it took, in seconds."""
        began = time.monotonic()
        self.presence.end()
        await self.presence.ended()
        return time.monotonic() - began


@pytest.fixture
def settings(kafka: str, prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)


async def test_it_is_said_at_once_when_something_changes_and_taken_back_at_the_end(settings: KafkaSettings) -> None:
    await create_topics(settings, [WORKERS])
    somebody = Somebody(settings)
    somebody.presence.begin()
    await somebody.has_written(b"at rest")
    somebody.state = "at work"
    await somebody.has_written(b"at rest", b"at work")

    took_s = await somebody.end()

    assert await somebody.written() == [b"at rest", b"at work", None]
    assert took_s < STOP_S


async def test_it_is_said_again_and_again(settings: KafkaSettings) -> None:
    await create_topics(settings, [WORKERS])
    somebody = Somebody(settings, interval_s=0.6)
    somebody.presence.begin()

    async def is_said_thrice() -> bool:
        return somebody.said >= 3

    await until(is_said_thrice, within_s=WITHIN_S)
    await somebody.end()


async def test_a_topic_that_is_missing_is_told_once_not_created_and_found_when_it_comes(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "MISSING_S", 0.2)
    asked = 0

    async def counted(*arguments: Any) -> list[str]:
        nonlocal asked
        asked += 1
        return await missing_topics(*arguments)

    async def has_asked_thrice() -> bool:
        return asked >= 3

    monkeypatch.setattr("services.kafka.presence.missing_topics", counted)
    with capture_logs() as said:
        somebody = Somebody(settings)
        somebody.presence.begin()
        await until(has_asked_thrice, within_s=WITHIN_S)
        assert await missing_topics(settings, [WORKERS]) == [settings.topic(WORKERS)]
        await create_topics(settings, [WORKERS])
        await somebody.has_written(b"at rest")
        await somebody.end()

    assert [line["event"] for line in said] == ["topic_missing", "heartbeat_restored"]


async def test_what_is_refused_is_told_once_and_tried_again(settings: KafkaSettings) -> None:
    await create_topics(settings, [replace(WORKERS, max_message_bytes=10)])
    with capture_logs() as said:
        somebody = Somebody(settings, interval_s=0.1)
        somebody.presence.begin()

        async def is_tried_thrice() -> bool:
            return somebody.said >= 3

        await until(is_tried_thrice, within_s=WITHIN_S)
        took_s = await somebody.end()

    assert [line["event"] for line in said if line["log_level"] == "warning"] == ["heartbeat_failed"]
    assert "MessageSizeTooLarge" in said[0]["error"]
    assert await somebody.written() == []
    assert took_s < STOP_S


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_it_ends_in_time_while_kafka_is_away(tmp_path: Path, fault: signal.Signals) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    try:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topics(settings, [WORKERS])
        somebody = Somebody(settings)
        somebody.presence.begin()
        await somebody.has_written(b"at rest")
        assert broker.java_pid is not None
        os.kill(broker.java_pid, fault)

        took_s = await somebody.end()
    finally:
        if fault is signal.SIGSTOP and broker.java_pid is not None:
            os.kill(broker.java_pid, signal.SIGCONT)
        await broker.stop()

    assert took_s < STOP_S


async def test_where_kafka_never_was_it_ends_in_time(prefix: str) -> None:
    with capture_logs() as said:
        somebody = Somebody(KafkaSettings(bootstrap_servers="127.0.0.1:1", topic_prefix=prefix), interval_s=0.1)
        somebody.presence.begin()
        await asyncio.sleep(1)
        took_s = await somebody.end()

    assert took_s < STOP_S
    assert [line["event"] for line in said] == ["heartbeat_failed"]


async def test_who_never_began_can_end(settings: KafkaSettings) -> None:
    assert await Somebody(settings).end() < STOP_S
