"""An installation under a prefix of its own: topics on the session's broker, workers as real processes."""

import os
import signal
import sys
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas.topics import EMBEDDED_PARTITIONS, all_topics
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.settings import KafkaSettings


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    # A killed worker's partitions are free after the session; the broker allows no shorter one.
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix, session_timeout_ms=6000)
    await create_topics(settings, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
    return settings


@asynccontextmanager
async def worker(settings: KafkaSettings, *arguments: str) -> AsyncIterator[Process]:
    """A `tagwire worker` process; at the end it is asked to stop, and must do so with status 0 unless it was killed."""
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        "TAGWIRE_KAFKA_SESSION_TIMEOUT_MS": str(settings.session_timeout_ms),
    }
    command = (sys.executable, "-W", "error::ResourceWarning", "-m", "services.cli", "worker", *arguments)
    process = await create_subprocess_exec(*command, env={**os.environ, **environment})
    try:
        yield process
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)

        assert await process.wait() in {0, -signal.SIGKILL}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
