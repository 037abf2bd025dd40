"""
Samples of a partition -> a status, and the sentence why.

The rules are Burrow's (github.com/linkedin/Burrow, core/internal/evaluator/caching.go), told apart by what the group
says of its members, where Burrow guesses it from the times of commits: a stopped group is one that nobody works for.
No verdict falls on fewer samples than a movement needs to show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from services.core.lag import Sample, blocked, lag, lost, retention_ratio, unread


class Status(StrEnum):
    """From well to worst; a group's status is the worst of its partitions'."""

    OK = "OK"
    EMPTY = "EMPTY"
    """No member, and nothing to read: fine for a job that runs now and then."""
    UNKNOWN = "UNKNOWN"
    """Not enough was seen yet."""
    ABANDONED = "ABANDONED"
    """The group lives, and nobody in it reads this topic any more."""
    WARN = "WARN"
    """It moves, and falls behind all the same."""
    RISK = "RISK"
    """Retention will soon delete what it has not read."""
    REWIND = "REWIND"
    """It stands before where it was, or the topic is a new one of the same name."""
    STALL = "STALL"
    """Somebody has the partition, and makes no progress."""
    STOP = "STOP"
    """There is something to read, and nobody who would."""
    LOSS = "LOSS"
    """Records were deleted before it read them."""


SEVERITY: Final = {status: place for place, status in enumerate(Status)}
WRONG: Final = frozenset(list(Status)[list(Status).index(Status.ABANDONED) :])
"""Where somebody should come and look."""


@dataclass(frozen=True, slots=True)
class Rules:
    samples: int = 3
    """Consecutive samples that must agree before a group is said to stand still or to fall behind."""
    allowed_lag: int = 0
    """Offsets that a group may always be behind."""
    risk_ratio: float = 0.8
    """Share of a partition's records, unread, from which on retention is a risk."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What the group says of itself."""

    members: int
    has_owner: bool
    """Whether a member has the partition."""
    reads_topic: bool
    """Whether a member has any partition of the topic."""
    is_unsettled: bool = False
    """Whether its partitions are being given out anew, or nobody can tell who has which."""


class Standstill(NamedTuple):
    """A partition whose group makes no progress although records wait."""

    since_s: float
    was_seen: bool
    """Whether it was seen to begin. If not it may be older."""


@dataclass(frozen=True, slots=True)
class Verdict:
    status: Status
    why: str


def partition_status(
    window: Sequence[Sample], membership: Membership, rules: Rules = Rules(), stands: Standstill | None = None
) -> Verdict:
    """
    Return the status of a partition for a group. `window` has the oldest sample first.

    `stands` is what `standstill` says of all samples there were; without it, it is told from those of the window.
    """
    if not window:
        return Verdict(Status.UNKNOWN, "it was not sampled yet")
    now = window[-1]
    if now.end is None:
        return Verdict(Status.UNKNOWN, "its end is not known: it has no leader, or may not be read")
    return (
        _lost(now)
        or _rewound(window)
        or _unattended(window, membership, rules)
        or _at_risk(now, rules)
        or _standing(window, rules, membership, stands)
        or _falling_behind(window, rules)
        or _well(now)
    )


def standstill(before: Standstill | None, last: Sample | None, now: Sample, rules: Rules) -> Standstill | None:
    """Return since when a group stands, one sample after `last`, `before` as it was; None: it moves, or all is read."""
    if not _all_behind((now,), rules):
        return None
    if last is None:
        return Standstill(now.at_s, was_seen=False)
    if before is not None and last.committed == now.committed:
        return before
    return Standstill(now.at_s, was_seen=True)


def group_status(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; of a group without partitions it is not known."""
    nothing = Verdict(Status.UNKNOWN, "it has committed nothing, and has no partition")
    return max(verdicts, key=lambda verdict: SEVERITY[verdict.status], default=nothing)


def _lost(now: Sample) -> Verdict | None:
    if not (gone := lost(now)):
        return None
    return Verdict(Status.LOSS, f"{gone} offsets were deleted before they were read: retention is shorter than its lag")


def _rewound(window: Sequence[Sample]) -> Verdict | None:
    now = window[-1]
    known = [sample.committed for sample in window if sample.committed is not None]
    if now.end is None or not known:
        return None
    if now.committed is None:
        return Verdict(Status.REWIND, f"what it had committed is gone, and it was at {max(known)}: it begins anew")
    # Committed is asked before the end, so it cannot have overtaken it.
    if now.committed > now.end:
        return Verdict(
            Status.REWIND, f"it has committed {now.committed} and the end is {now.end}: the topic is a new one"
        )
    if (highest := max(known)) > now.committed:
        return Verdict(Status.REWIND, f"it stands at {now.committed} and was at {highest} before")
    return None


def _unattended(window: Sequence[Sample], membership: Membership, rules: Rules) -> Verdict | None:
    now = window[-1]
    waiting = unread(now) or 0
    if membership.members == 0:
        if waiting <= rules.allowed_lag:
            return Verdict(Status.EMPTY, "the group has no members, and nothing waits")
        if _has_moved(window):
            # A reader that chose its partitions by itself commits for the group, and is no member of it.
            return None
        return Verdict(Status.STOP, f"the group has no members, and {waiting} offsets wait")
    if not membership.reads_topic and not membership.is_unsettled:
        if waiting > rules.allowed_lag:
            return Verdict(Status.ABANDONED, f"no member reads this topic any more, and {waiting} offsets wait")
        return Verdict(Status.OK, "no member reads this topic any more, and nothing waits")
    return None


def _has_moved(window: Sequence[Sample]) -> bool:
    """Whether it has committed something new since the sample before."""
    return len(window) > 1 and window[-1].committed != window[-2].committed


def _at_risk(now: Sample, rules: Rules) -> Verdict | None:
    ratio = retention_ratio(now)
    # A partition that has lost nothing yet to retention starts at 0, and threatens nobody.
    if ratio is None or not now.low or ratio < rules.risk_ratio:
        return None
    return Verdict(Status.RISK, f"{ratio:.0%} of what the partition still holds is unread: retention may overtake it")


def _standing(
    window: Sequence[Sample], rules: Rules, membership: Membership, stands: Standstill | None
) -> Verdict | None:
    recent = window[-rules.samples :]
    now = recent[-1]
    if not _all_behind(recent, rules):
        return None
    if any(sample.committed != now.committed for sample in recent):
        return None
    if len(recent) < rules.samples:
        return Verdict(Status.UNKNOWN, f"{len(recent)} of {rules.samples} samples: too few to tell whether it moves")
    where = "has never committed" if now.committed is None else f"stands at {now.committed}"
    waiting = f"it {where} for {_stood(window, rules, stands)}, and {unread(now)} offsets wait"
    if not membership.has_owner and not membership.is_unsettled:
        return Verdict(Status.STOP, f"no member has the partition: {waiting}")
    if hidden := blocked(now):
        waiting += f" ({hidden} more behind an open transaction)"
    return Verdict(Status.STALL, waiting)


def _stood(window: Sequence[Sample], rules: Rules, stands: Standstill | None) -> str:
    last = None
    for sample in window if stands is None else ():
        stands, last = standstill(stands, last, sample, rules), sample
    assert stands is not None, "it is asked of what stands"
    return f"{_told(window[-1].at_s - stands.since_s)}{'' if stands.was_seen else ' at least'}"


def _told(seconds: float) -> str:
    minutes, hours = divmod(round(seconds), 60), divmod(round(seconds / 60), 60)
    if minutes[0] < 2:
        return f"{seconds:.0f} s"
    return f"{minutes[0]} min {minutes[1]} s" if hours[0] < 1 else f"{hours[0]} h {hours[1]} min"


def _falling_behind(window: Sequence[Sample], rules: Rules) -> Verdict | None:
    if len(window) < rules.samples:
        return None
    lags = [lag(sample.end, sample.committed) for sample in window]
    if lags[0] == lags[-1] or any(a is None or b is None or b < a for a, b in pairwise(lags)):
        return None
    if not _all_behind(window, rules):
        return None
    return Verdict(Status.WARN, f"it moves, and its lag has grown from {lags[0]} to {lags[-1]} without a fall")


def _well(now: Sample) -> Verdict:
    if now.committed is None:
        return Verdict(Status.OK, "nothing was ever committed, and nothing waits")
    if waiting := unread(now):
        return Verdict(Status.OK, f"{waiting} offsets wait, and it moves")
    if hidden := blocked(now):
        return Verdict(Status.OK, f"nothing waits; {hidden} offsets are behind an open transaction")
    return Verdict(Status.OK, "nothing waits")


def _all_behind(samples: Sequence[Sample], rules: Rules) -> bool:
    return all((unread(sample) or 0) > rules.allowed_lag for sample in samples)
