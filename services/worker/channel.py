"""What parent and child say to each other: messages over a socket, and a mark in shared memory."""

import asyncio
import pickle
import socket
import struct
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Self

from services.kafka.records import Output, Record
from services.telemetry.tally import Counts
from services.worker.transform import Outcome

HEADER: Final = struct.Struct("!Q")
"""Before each message: how many bytes follow."""
MARK: Final = struct.Struct("!qq")
"""In shared memory: index of the document in work, or `NO_DOCUMENT`; index of its stage in the plan."""
NO_DOCUMENT: Final = -1
OUT_OF_MEMORY: Final = 86
"""Exit status when not even a dead letter could be made any more."""


Plain = Any
"""Tuples without names: pickling named ones takes thrice as long, for it calls a function of theirs for each."""


class Reply(NamedTuple):
    """What a child answers to a chunk."""

    outcomes: Sequence[Outcome]
    seconds: float
    """How long it worked."""
    durations: Counts
    """Of each stage, in the buckets of `STAGE_BUCKETS_S`."""
    is_leaving: bool
    """It has run out of memory once, and ends rather than work on with what is left of its heap."""

    def plain(self) -> Plain:
        outcomes = [(list(map(tuple, outputs)), *rest) for outputs, *rest in self.outcomes]
        return outcomes, *self[1:]

    @classmethod
    def of(cls, plain: Plain) -> Self:
        outcomes, *rest = plain
        return cls([Outcome(tuple(Output(*each) for each in outputs), *told) for outputs, *told in outcomes], *rest)


def plain_records(records: Sequence[Record]) -> Plain:
    return list(map(tuple, records))


def records_of(plain: Plain) -> list[Record]:
    return [Record(*each) for each in plain]


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
