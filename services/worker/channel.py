"""What parent and child say to each other: messages over a socket, and a mark in shared memory."""

import asyncio
import pickle
import socket
import struct
from dataclasses import dataclass
from typing import Any, Final

from services.telemetry.tally import Counts
from services.worker.transform import Outcome

HEADER: Final = struct.Struct("!Q")
"""Before each message: how many bytes follow."""
MARK: Final = struct.Struct("!qq")
"""In shared memory: index of the document in work, or `NO_DOCUMENT`; index of its stage in the plan."""
NO_DOCUMENT: Final = -1
OUT_OF_MEMORY: Final = 86
"""Exit status when not even a dead letter could be made any more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a child answers to a chunk."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    """How long it worked."""
    durations: Counts
    """Of each stage, in the buckets of `STAGE_BUCKETS_S`."""
    is_leaving: bool
    """It has run out of memory once, and ends rather than work on with what is left of its heap."""


def send(connection: socket.socket, message: object) -> None:
    payload = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    connection.sendall(HEADER.pack(len(payload)) + payload)


def receive(connection: socket.socket) -> Any:
    """Return the next message, None when the other end has hung up."""
    header = _exactly(connection, HEADER.size)
    if header is None:
        return None
    payload = _exactly(connection, HEADER.unpack(header)[0])
    return None if payload is None else pickle.loads(payload)  # noqa: S301  # of our own parent


async def write(writer: asyncio.StreamWriter, message: object) -> None:
    """Send a message from an event loop."""
    payload = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.writelines((HEADER.pack(len(payload)), payload))
    await writer.drain()


async def read(reader: asyncio.StreamReader) -> Any:
    """Return the next message in an event loop. Raises EOFError when the other end has hung up."""
    (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    return pickle.loads(await reader.readexactly(size))  # noqa: S301  # of our own child


def _exactly(connection: socket.socket, size: int) -> bytearray | None:
    received = bytearray(size)
    view = memoryview(received)
    while view:
        count = connection.recv_into(view)
        if not count:
            return None
        view = view[count:]
    return received
