"""What the monitor knows at one moment. Whoever shows it reads this, and asks Kafka nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.core.lag import Sample
from services.core.lag_status import Verdict
from services.kafka.cluster import Ends, Member


class PartitionState(NamedTuple):
    """A partition for a group."""

    topic: str
    number: int
    window: tuple[Sample, ...]
    """Oldest first, never empty."""
    owner: Member | None
    """None: no member has it, or members and partitions are being brought together."""
    lag: int | None
    """Offsets still to be read. None: it never committed, and where it will begin is not known; or the end is not."""
    lag_s: float | None
    """For how long the first unread record has been waiting. None: not known."""
    verdict: Verdict

    @property
    def now(self) -> Sample:
        return self.window[-1]


class Point(NamedTuple):
    """A group at one moment."""

    at_s: float
    lag: int
    lag_s: float | None
    rate: float | None
    """Offsets that it moves on in a second, over the last minute. None: not known yet."""
    moved: int = 0
    """Offsets that it has moved on since it was first seen."""


@dataclass(frozen=True, slots=True)
class GroupState:
    name: str
    state: str
    """As the broker calls it; Missing: a group of ours that no worker has joined yet."""
    is_ours: bool
    members: tuple[Member, ...]
    partitions: tuple[PartitionState, ...]
    """By topic and number."""
    verdict: Verdict
    """The worst of the partitions'."""
    point: Point
    max_lag: int

    @property
    def topics(self) -> list[str]:
        return sorted({each.topic for each in self.partitions})


@dataclass(frozen=True, slots=True)
class TopicState:
    name: str
    partitions: Mapping[int, Ends]
    rate: float | None
    """Offsets that it grows by in a second, over the last minute. None: not known yet."""

    @property
    def held(self) -> int:
        """Return how many offsets are kept, transaction markers among them."""
        return sum(
            ends.end - ends.low for ends in self.partitions.values() if ends.end is not None and ends.low is not None
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    at_s: float
    """Seconds since 1970."""
    took_s: float
    looks: int
    groups: Mapping[str, GroupState]
    topics: Mapping[str, TopicState]
    errors: Mapping[str, str]
    """Group or broker -> why it could not be read; its state is then the one before."""
    history: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    """Group -> its latest points, oldest first."""
