"""A member of a group that copies numbered records from one partition into another: lost and doubled ones are seen."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from services.core.lag import lag
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.pipeline import Transform
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, produce, read_committed
from tests.offsets import group_offsets

RECORDS = 60
DEADLINE_S = 60
LIMITS = LaneLimits(batch_records=10, in_flight_bytes=2**20)


@dataclass(frozen=True)
class Copied:
    outputs: tuple[Output, ...]
    is_bug: bool = False


async def copy(records: Sequence[Record]) -> list[Copied]:
    return [Copied((Output("out", record.key, record.value),)) for record in records]


async def numbered(bootstrap: str, prefix: str) -> KafkaSettings:
    """Return a cluster with topics `in`, of one partition and `RECORDS` records, and `out`."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, topic_prefix=prefix, session_timeout_ms=6000)
    for name in ("in", "out"):
        await create_topic(bootstrap, settings.topic(name), partitions=1)
    await feed(settings, *range(RECORDS))
    return settings


async def feed(settings: KafkaSettings, *numbers: int) -> None:
    await produce(settings.bootstrap_servers, settings.topic("in"), [(b"key", b"%d" % n, ()) for n in numbers])


def member(settings: KafkaSettings, transform: Transform = copy, limits: LaneLimits = LIMITS) -> Lanes:
    return Lanes(settings, settings.topic("in"), group=settings.group("g"), transform=transform, limits=limits)


def input_partition(settings: KafkaSettings) -> TopicPartition:
    return TopicPartition(settings.topic("in"), 0)


async def committed(settings: KafkaSettings) -> int | None:
    offsets = await group_offsets(settings, [settings.group("g")])
    return offsets[0].committed if offsets else None


async def drained(settings: KafkaSettings) -> bool:
    offsets = await group_offsets(settings, [settings.group("g")])
    return len(offsets) == 1 and lag(offsets[0].end, offsets[0].committed) == 0


async def written(settings: KafkaSettings) -> list[int]:
    """Return the numbers that a read-committed subscriber sees, in order."""
    return [int(r.value or b"") for r in await read_committed(settings.bootstrap_servers, settings.topic("out"))]
