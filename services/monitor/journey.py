"""The journey as the monitor shows it: its topics in order, and the groups that our workers may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from schemas.topics import Topic, journey_topics
from services.core.taxonomy import shipped_routes
from services.kafka.settings import KafkaSettings
from services.worker.flow import JOURNEY
from services.worker.worker import group_name


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """What a worker group of ours reads, and what it does."""

    reads: str
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """Names are those on the broker, with the installation's prefixes."""

    topics: Mapping[str, Topic]
    """In the order of the way: raw first, then the tags', dead letters last."""
    groups: Mapping[str, WorkerGroup]
    """That of all stages first: it is the one that is expected where nobody reads what comes in."""

    @property
    def inputs(self) -> dict[str, str]:
        return {name: group.reads for name, group in self.groups.items()}


def journey(kafka: KafkaSettings) -> Journey:
    topics = sorted(journey_topics(shipped_routes()), key=lambda topic: topic.model is None)
    runs = [JOURNEY[first:last] for first, last in combinations(range(len(JOURNEY) + 1), 2)]
    groups = {
        kafka.group(group_name(run)): WorkerGroup(kafka.topic(run[0].reads), tuple(stage.name.value for stage in run))
        for run in sorted(runs, key=len, reverse=True)
    }
    return Journey({kafka.topic(topic): topic for topic in topics}, groups)
