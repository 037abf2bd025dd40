"""Kafka's own `kafka-consumer-groups`, run by the Java and with the jars of the embedded broker."""

import asyncio
import os
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Final

import pytest
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from requests import RequestException

from services.kafka.embedded.broker import EmbeddedSettings, fetched, java, java_environment, to_stderr
from services.kafka.embedded.jars import sha256

TOOLS_VERSION: Final = "4.1.0"
TOOLS_SHA256: Final = "1c2836cee57a947d2db461410ac5008ca80facbd19b7ed9d284ca883782ea741"
COMMAND: Final = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
WITHIN_S: Final = 60


async def lags_as_kafka_counts(bootstrap: str, group: str) -> dict[tuple[str, int], int]:
    """Return (topic, partition) -> the column LAG. Skips the test where the command cannot be had; in CI that fails."""
    jars = [await asyncio.to_thread(_tools), *await fetched(EmbeddedSettings().cache_folder, to_stderr)]
    arguments = ("--bootstrap-server", bootstrap, "--describe", "--group", group)
    process = await asyncio.create_subprocess_exec(
        *(java(), "-cp", ":".join(map(str, jars)), COMMAND, *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env=java_environment(),
    )
    async with asyncio.timeout(WITHIN_S):
        output, complaints = await process.communicate()
    rows = [line.split() for line in output.decode().splitlines() if line.strip()]
    head = next((row for row in rows if row[0] == "GROUP"), None)
    assert head is not None, f"{output.decode()}{complaints.decode()}"
    topic, partition, lag = (head.index(name) for name in ("TOPIC", "PARTITION", "LAG"))
    return {(row[topic], int(row[partition])): int(row[lag]) for row in rows if row[0] == group}


def _tools() -> Path:
    """Return the jar of the command, fetched once into the local Maven repository."""
    context = MavenContext(PythonResolver(), repo_cache=GlobalSettings.load().repo_cache)
    artifact = context.project("org.apache.kafka", "kafka-tools").at_version(TOOLS_VERSION).artifact()
    try:
        found = artifact.resolve()
    except (RequestException, RuntimeError) as error:  # no network, or a mirror that does not have it
        lacking = f"{artifact.filename} is fetched from Maven Central once: connect to the internet ({error})"
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    assert sha256(found) == TOOLS_SHA256, f"{found} is not the file that was looked at: delete it"
    return Path(found)
