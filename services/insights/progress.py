"""
Whether work goes on, as the brokers tell it: what is committed, beside where partitions end.

Faust is known to stall without a word (its issues 175, 629, 640), so nothing that it believes of itself is asked.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from services.insights.app import Insights
from services.insights.settings import GROUP
from services.kafka.cluster import Cluster, Look, Partition
from services.kafka.errors import CLUSTER_ERRORS
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import LAG, RECOVERY, ROWS

log = structlog.get_logger()

LOOK_S: Final = 2.0


@dataclass(slots=True)
class Standing:
    """How a partition stands: since when it has had something to do and not moved."""

    committed: int | None
    lag: int
    since_s: float


class Progress:
    def __init__(self, kafka: KafkaSettings, insights: Insights, *, stall_s: float) -> None:
        self._kafka = kafka
        self._insights = insights
        self._stall_s = stall_s
        self._clock = asyncio.get_running_loop().time
        self._heard_s = self._clock()
        self._failure = ""
        self._recovery: tuple[int, float] = (-1, self._clock())
        self.partitions: dict[Partition, Standing] = {}
        self._first_ends: dict[Partition, int] = {}
        """Where partitions ended when they were first looked at since they came."""
        self.has_caught_up = False
        """Whether all that waited when the partitions came is done."""

    def problems(self) -> list[str]:
        """Return a sentence for each thing that stands still; none when all is well."""
        now_s = self._clock()
        if now_s - self._heard_s > self._stall_s:
            return [f"Kafka has not answered for {now_s - self._heard_s:.0f} s: {self._failure}"]
        if not self._insights.is_ready:
            remaining, since_s = self._recovery
            if now_s - since_s > self._stall_s:
                left = f"{remaining} rows left" if remaining >= 0 else "no partitions were given"
                return [f"the tables have not been read on for {now_s - since_s:.0f} s: {left}"]
            return []
        return [
            f"{partition.topic}[{partition.number}]: {standing.lag} records wait, and none was done for "
            f"{now_s - standing.since_s:.0f} s"
            for partition, standing in sorted(self.partitions.items())
            if standing.lag and now_s - standing.since_s > self._stall_s
        ]

    async def watch(self) -> None:
        """Look again and again, for ever."""
        group = self._kafka.group(GROUP)
        topics = [self._kafka.topic(agent.source) for agent in self._insights.agents]
        while True:
            try:
                async with Cluster(self._kafka, includes=lambda name: name == group, topics=topics) as cluster:
                    while True:
                        self._note_recovery()
                        look = await cluster.look()
                        if look.errors:
                            self._failure = "; ".join(look.errors.values())
                        else:
                            self._note(look, group)
                        await asyncio.sleep(LOOK_S)
            except CLUSTER_ERRORS as error:
                self._failure = str(error) or type(error).__name__
            await asyncio.sleep(LOOK_S)

    def _note(self, look: Look, group: str) -> None:
        self._heard_s = now_s = self._clock()
        committed = look.groups[group].committed if group in look.groups else {}
        standings: dict[Partition, Standing] = {}
        for agent in self._insights.agents:
            waiting = 0
            for number in self._insights.assigned(agent):
                partition = Partition(self._kafka.topic(agent.source), number)
                standing = _standing(look, partition, committed.get(partition), now_s)
                before = self.partitions.get(partition)
                if before is not None and standing.lag and before.lag and before.committed == standing.committed:
                    standing.since_s = before.since_s
                standings[partition] = standing
                waiting += standing.lag
            LAG.labels(agent.name).set(waiting)
            if agent.table is not None:
                ROWS.labels(agent.name).set(agent.rows)
        self.partitions = standings
        for partition, standing in standings.items():
            self._first_ends.setdefault(partition, (standing.committed or 0) + standing.lag)
        self.has_caught_up |= bool(standings) and all(
            not standing.lag or (standing.committed or 0) >= self._first_ends[partition]
            for partition, standing in standings.items()
        )

    def _note_recovery(self) -> None:
        if self._insights.is_ready:
            RECOVERY.set(self._insights.recovery_s or 0)
            self._recovery = (-1, self._clock())
            # From here on, a partition is judged by what is done after it.
            return
        remaining = self._insights.rows_to_recover()
        self.partitions, self._first_ends, self.has_caught_up = {}, {}, False
        if remaining != self._recovery[0]:
            self._recovery = (remaining, self._clock())


def _standing(look: Look, partition: Partition, committed: int | None, now_s: float) -> Standing:
    ends = look.ends.get(partition)
    if ends is None or ends.end is None:
        return Standing(committed, 0, now_s)
    begun = committed if committed is not None else ends.low or 0
    return Standing(committed, max(0, ends.end - begun), now_s)
