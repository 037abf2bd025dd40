"""A worker is killed in the middle of its work, again and again: each document is counted exactly once."""

from collections import Counter

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import CLASSIFIED, DEAD_LETTER, EMBEDDED_PARTITIONS, RAW
from services.core.lag import lag
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import produce, read_committed, until
from tests.journey.conftest import worker
from tests.offsets import group_offsets

DOCUMENTS = 5_000
KILL_AFTER = (500, 1_800, 3_500)
"""Records in the output at which the worker of the moment dies."""


async def test_sigkill_in_the_middle_loses_nothing_and_doubles_nothing(settings: KafkaSettings) -> None:
    await produce(
        settings.bootstrap_servers, settings.topic(RAW), [(*article(number), ()) for number in range(DOCUMENTS)]
    )
    for limit in KILL_AFTER:
        async with worker(settings) as process:
            await until(lambda limit=limit: has_written(settings, limit), within_s=90)  # type: ignore[misc]
            assert process.returncode is None
            process.kill()
            await process.wait()
    async with worker(settings):
        await until(lambda: drained(settings), within_s=120)

    counts = Counter(
        record.key for record in await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))
    )
    assert {key: count for key, count in counts.items() if count > 1} == {}
    assert {article(number)[0] for number in range(DOCUMENTS)} - set(counts) == set()
    assert await read_committed(settings.bootstrap_servers, settings.topic(DEAD_LETTER)) == []


async def has_written(settings: KafkaSettings, records: int) -> bool:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    await consumer.start()
    try:
        topic = settings.topic(CLASSIFIED)
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(EMBEDDED_PARTITIONS)])
    finally:
        await consumer.stop()
    return bool(sum(ends.values()) >= records)


async def drained(settings: KafkaSettings) -> bool:
    offsets = await group_offsets(settings, [settings.group("tagwire-clean-route")])
    return len(offsets) == EMBEDDED_PARTITIONS and all(lag(o.end, o.committed) == 0 for o in offsets)
