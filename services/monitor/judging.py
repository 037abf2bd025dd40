"""Look after look -> windows of samples, and out of them a snapshot: lag, statuses, rates. It asks nobody anything."""

import asyncio
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from services.core.lag import EndSeen, Sample, lag_seconds, unread
from services.core.lag_status import Membership, Rules, Standstill, group_status, partition_status, standstill
from services.core.rate import rate
from services.kafka.cluster import Ends, Group, Look, Member, Partition
from services.kafka.unread import First, Place
from services.monitor.snapshot import GroupState, PartitionState, Point, Snapshot, TopicState

RATE_S: Final = 60.0
"""Of topics and of groups alike: what comes in and what is read can be compared."""
TAIL: Final = 1000
"""So little lag of a group that stands still may be transaction markers alone, and is looked at."""
GROUPS_AT_ONCE: Final = 20
"""Judged before others have their turn."""
MISSING: Final = "Missing"
CHANGELOG: Final = "-changelog"

Inputs = Mapping[str, str]
"""Our groups, and the topic that each reads from its first record on. The first of them is always expected."""


@dataclass(frozen=True, slots=True)
class Limits:
    rules: Rules
    window: int
    """Samples that are kept of each partition of a group."""
    history: int
    """Ends that are kept of each partition, and points of each group."""


class Judge:
    """Remembers what statuses, times and rates need of the looks before."""

    def __init__(self, limits: Limits, inputs: Inputs, asked: Collection[str] | None = None) -> None:
        """`asked` are the only groups wanted; None: all."""
        self._limits = limits
        self._inputs = inputs
        self._asked = asked
        self._windows: dict[tuple[str, Partition], deque[Sample]] = {}
        self._standstills: dict[tuple[str, Partition], Standstill] = {}
        """Those that stand, and since when: longer than a window reaches."""
        self._ends: dict[Partition, deque[EndSeen]] = {}
        self._history: dict[str, deque[Point]] = {}
        self._groups: dict[str, GroupState] = {}
        self._looks = 0

    def places(self, look: Look) -> list[Place]:
        """
        Return where somebody should look for the first unread record, the most wanted first.

        For our groups that is its exact age. For others it tells whether anything but markers is left.
        """
        wanted: list[tuple[bool, int, Place]] = []
        for group in self._groups_of(look):
            is_ours = group.name in self._inputs
            for partition, committed in self._rows(group, look):
                ends = look.ends[partition]
                waiting = unread(_sample(look, committed, ends, None))
                if not waiting or ends.end is None:
                    continue
                start = max(committed or 0, ends.low or 0)
                if is_ours or (
                    waiting <= TAIL and committed is not None and self._stands(group.name, partition, committed)
                ):
                    wanted.append((not is_ours, waiting, Place(partition, start, ends.end)))
        return list(dict.fromkeys(place for _, _, place in sorted(wanted)))

    async def judge(self, look: Look, firsts: Mapping[tuple[Partition, int], First], *, took_s: float) -> Snapshot:
        """Return what is known now; others have their turn between groups."""
        self._looks += 1
        self._remember_ends(look)
        groups: dict[str, GroupState] = {}
        for number, group in enumerate(self._groups_of(look)):
            if number % GROUPS_AT_ONCE == 0:
                await asyncio.sleep(0)
            groups[group.name] = self._judged(group, look, firsts)
        for name, before in self._groups.items():
            # It was not read this time, which says nothing against it.
            if name not in groups and (name in look.errors or not look.is_whole):
                groups[name] = before
        self._forget(groups)
        self._groups = dict(sorted(groups.items()))
        history = {name: tuple(points) for name, points in self._history.items()}
        return Snapshot(look.at_s, took_s, self._looks, self._groups, self._topics(look), look.errors, history)

    def _groups_of(self, look: Look) -> Iterator[Group]:
        """Yield the groups that are there, and those of ours that are still to come."""
        yield from look.groups.values()
        for name in self._expected(look):
            if name not in look.groups and name not in look.errors and look.is_whole:
                yield Group(name, MISSING, (), {})

    def _expected(self, look: Look) -> Collection[str]:
        """Return those of ours that are to be shown: the ones asked for; or the first, if none reads what it reads."""
        if self._asked is not None:
            return [name for name in self._asked if name in self._inputs]
        if not self._inputs:
            return ()
        first, topic = next(iter(self._inputs.items()))
        is_read = any(self._inputs.get(name) == topic for name in look.groups)
        return () if is_read else (first,)

    def _rows(self, group: Group, look: Look) -> Iterator[tuple[Partition, int | None]]:
        """Yield the partitions that have to do with a group, and what it has committed."""
        rows: dict[Partition, int | None] = {each: None for member in group.members for each in member.partitions}
        if topic := self._inputs.get(group.name):
            rows |= dict.fromkeys(each for each in look.ends if each.topic == topic)
        rows |= group.committed
        for partition in sorted(rows):
            # A deleted topic takes what is known of it along. Faust, and so insights, give the changelog of a table to
            # whoever has the table: it is read to be restored from, and nothing is ever committed there.
            is_table = rows[partition] is None and partition.topic.endswith(CHANGELOG)
            if partition in look.ends and not is_table:
                yield partition, rows[partition]

    def _judged(self, group: Group, look: Look, firsts: Mapping[tuple[Partition, int], First]) -> GroupState:
        owners = {partition: member for member in group.members for partition in member.partitions}
        topics_read = {partition.topic for partition in owners}
        is_ours = group.name in self._inputs
        partitions = []
        for partition, committed in self._rows(group, look):
            ends = look.ends[partition]
            first = firsts.get((partition, max(committed or 0, ends.low or 0)))
            window = self._remember(group.name, partition, _sample(look, committed, ends, first))
            owner = owners.get(partition)
            membership = Membership(
                len(group.members), owner is not None, partition.topic in topics_read, group.is_unsettled
            )
            stands = self._standstills.get((group.name, partition))
            partitions.append(self._partition(partition, window, owner, membership, stands, is_ours=is_ours))
        history = self._history.setdefault(group.name, deque(maxlen=self._limits.history))
        point = self._point(look.at_s, partitions, history)
        history.append(point)
        return GroupState(
            group.name,
            group.state,
            is_ours,
            group.members,
            tuple(partitions),
            group_status(each.verdict for each in partitions),
            point,
            max((each.lag or 0 for each in partitions), default=0),
        )

    def _remember(self, group: str, partition: Partition, now: Sample) -> tuple[Sample, ...]:
        """Take a sample in, and return those that are kept."""
        key = (group, partition)
        if (window := self._windows.get(key)) is None:
            window = self._windows[key] = deque(maxlen=self._limits.window)
        last = window[-1] if window else None
        if (stands := standstill(self._standstills.get(key), last, now, self._limits.rules)) is not None:
            self._standstills[key] = stands
        else:
            self._standstills.pop(key, None)
        window.append(now)
        return tuple(window)

    def _partition(
        self,
        partition: Partition,
        window: tuple[Sample, ...],
        owner: Member | None,
        membership: Membership,
        stands: Standstill | None,
        *,
        is_ours: bool,
    ) -> PartitionState:
        now = window[-1]
        is_known = is_ours or now.committed is not None
        return PartitionState(
            partition.topic,
            partition.number,
            window,
            owner,
            unread(now) if is_known else None,
            lag_seconds(now, self._ends.get(partition, ())) if is_known else None,
            partition_status(window, membership, self._limits.rules, stands),
        )

    @staticmethod
    def _point(at_s: float, partitions: Collection[PartitionState], history: Sequence[Point]) -> Point:
        known_s = [each.lag_s for each in partitions if each.lag_s is not None]
        steps = [each.window[-2:] for each in partitions if len(each.window) > 1]
        moves = [
            max(0, now.committed - before.committed)
            for before, now in steps
            if now.committed is not None and before.committed is not None
        ]
        moved = sum(moves) + (history[-1].moved if history else 0)
        moments = ((point.at_s, point.moved) for point in reversed(history))
        return Point(
            at_s,
            sum(each.lag or 0 for each in partitions),
            max(known_s, default=None),
            rate(chain([(at_s, moved)], moments), over_s=RATE_S) if moves else None,
            moved,
        )

    def _stands(self, group: str, partition: Partition, committed: int) -> bool:
        window = self._windows.get((group, partition))
        return not window or window[-1].committed == committed

    def _remember_ends(self, look: Look) -> None:
        self._ends = {partition: seen for partition, seen in self._ends.items() if partition in look.ends}
        for partition, ends in look.ends.items():
            if ends.end is None:
                continue
            seen = self._ends.setdefault(partition, deque(maxlen=self._limits.history))
            if seen and ends.end < seen[-1].end:
                seen.clear()  # a new topic of the same name
            # Of a time without change its two ends tell all.
            if len(seen) > 1 and seen[-2].end == seen[-1].end == ends.end:
                seen.pop()
            seen.append(EndSeen(look.at_s, ends.end))

    def _topics(self, look: Look) -> dict[str, TopicState]:
        topics: dict[str, dict[int, Ends]] = {}
        for partition, ends in sorted(look.ends.items()):
            topics.setdefault(partition.topic, {})[partition.number] = ends
        return {name: TopicState(name, ends, self._rate(name, ends)) for name, ends in topics.items()}

    def _rate(self, topic: str, numbers: Collection[int]) -> float | None:
        seen = (self._ends.get(Partition(topic, number), ()) for number in numbers)
        rates = [rate(reversed(ends), over_s=RATE_S) for ends in seen]
        known = [each for each in rates if each is not None]
        return sum(known) if known else None

    def _forget(self, groups: Mapping[str, GroupState]) -> None:
        """Let go of deleted groups, and of partitions that a group has nothing to do with any more."""
        kept = {
            (group.name, Partition(each.topic, each.number)) for group in groups.values() for each in group.partitions
        }
        self._windows = {key: window for key, window in self._windows.items() if key in kept}
        self._standstills = {key: stands for key, stands in self._standstills.items() if key in kept}
        self._history = {name: points for name, points in self._history.items() if name in groups}


def _sample(look: Look, committed: int | None, ends: Ends, first: First | None) -> Sample:
    return Sample(
        look.at_s,
        committed,
        ends.low,
        ends.end,
        ends.high,
        None if first is None else first.offset,
        None if first is None or first.timestamp_ms is None else first.timestamp_ms / 1000,
    )
