import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from services.kafka.embedded.folder import Owner, claim, release
from services.kafka.embedded.jars import KAFKA_VERSION

COMMAND = """
import asyncio, sys
from pathlib import Path
from services.kafka.embedded.command import serve
from services.kafka.embedded.broker import EmbeddedSettings

asyncio.run(serve(EmbeddedSettings(data_folder=Path(sys.argv[1]), port=0)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_tells_where_it_is_and_ends_when_told(
    kafka: str, tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", COMMAND, str(tmp_path), stdout=PIPE)
    assert process.stdout is not None
    first = await process.stdout.readline()
    assert first.startswith(f"Kafka {KAFKA_VERSION} is ready at 127.0.0.1:".encode())
    process.send_signal(number)
    rest, _ = await process.communicate()
    assert process.returncode == 0
    assert str(tmp_path) in rest.decode()
    release(await claim(tmp_path, Owner(pid=os.getpid(), address="")))  # which Kafka would hold


async def test_a_signal_while_it_starts_ends_it_too(kafka: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMAND, str(tmp_path), stdout=PIPE, stderr=PIPE
    )
    assert process.stderr is not None
    assert b"Preparing" in await process.stderr.readline()
    process.send_signal(signal.SIGINT)
    output, errors = await process.communicate()
    assert (process.returncode, output, errors) == (0, b"", b"")
    release(await claim(tmp_path, Owner(pid=os.getpid(), address="")))
