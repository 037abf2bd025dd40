"""
What crosses the border: a record that was read, and one to be written. No aiokafka type leaves this package.

They are tuples because they travel to child processes and back, and a tuple is quickly taken apart and put together.
"""

from typing import NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]
"""In the record's order; a name may occur twice."""


class Record(NamedTuple):
    """A record read from Kafka. `topic` is the name on the broker, with the installation's prefix."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def size_bytes(self) -> int:
        """Of key, value and headers: what it takes in memory, about."""
        size = len(self.key or b"") + len(self.value or b"")
        for name, value in self.headers:
            size += len(name) + len(value or b"")
        return size

    @property
    def origin(self) -> str:
        """`topic/partition/offset`: where to find it again."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Output(NamedTuple):
    """A record to write. `topic` is without the installation's prefix: the lane adds it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Placed(NamedTuple):
    """A record to write where its writer says. `topic` is the name on the broker."""

    topic: str
    partition: int | None
    """None: where the key leads."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def header(headers: Headers, name: str) -> str | None:
    """Return the last header of this name as text; None when absent, null or not UTF-8."""
    for key, value in reversed(headers):
        if key == name:
            try:
                return value.decode() if value is not None else None
            except UnicodeDecodeError:
                return None
    return None
