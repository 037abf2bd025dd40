"""Consume, process, produce, commit on a real broker: nothing lost and nothing twice, whatever interrupts it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import CoordinatorLoadInProgressError, NotCoordinatorForGroupError
from structlog.testing import capture_logs

from services.core.lag import lag
from services.kafka import client
from services.kafka.admin import admin
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.pipeline import Transform
from services.kafka.records import Output, Record, header
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, produce, produce_unreadable, read_committed, until
from tests.offsets import group_offsets

RECORDS = 400
LIMITS = LaneLimits(batch_records=20, in_flight_bytes=2**20, stalled_s=60)


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    """A cluster with topics `in` and `out`; `in` holds `RECORDS` records."""
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix, session_timeout_ms=6000)
    for name in ("in", "out"):
        await create_topic(kafka, settings.topic(name))
    await produce(kafka, settings.topic("in"), [(b"key-%d" % (n % 40), b"%d" % n, ()) for n in range(RECORDS)])
    return settings


@dataclass(frozen=True)
class Copied:
    outputs: tuple[Output, ...]
    is_bug: bool = False


async def copy(records: Sequence[Record]) -> list[Copied]:
    await asyncio.sleep(0.005)
    return [Copied((Output("out", record.key, record.value),)) for record in records]


def lanes(settings: KafkaSettings, transform: Transform = copy, limits: LaneLimits = LIMITS) -> Lanes:
    return Lanes(settings, settings.topic("in"), group=settings.group("copiers"), transform=transform, limits=limits)


async def drained(settings: KafkaSettings) -> bool:
    offsets = await group_offsets(settings, [settings.group("copiers")])
    return len(offsets) == 4 and all(lag(offset.end, offset.committed) == 0 for offset in offsets)


async def has_partitions(member: Lanes, number: int) -> bool:
    return len(member.states) == number


async def assert_each_once(settings: KafkaSettings, records: int = RECORDS) -> None:
    """Every value came out once, and the values of each key in their order."""
    out = await read_committed(settings.bootstrap_servers, settings.topic("out"))
    counts = Counter(int(record.value or b"") for record in out)
    by_key: dict[bytes | None, list[int]] = {}
    for record in out:
        by_key.setdefault(record.key, []).append(int(record.value or b""))

    assert {value: count for value, count in counts.items() if count > 1} == {}
    assert sorted(set(range(records)) - set(counts)) == []
    assert all(values == sorted(values) for values in by_key.values())


async def test_a_topic_that_no_broker_knows_yet_is_waited_for(kafka: str, prefix: str) -> None:
    """Who joins without it would be given no partitions until the next look, minutes later."""
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)

    async def create_later() -> None:
        await asyncio.sleep(1)
        await create_topic(kafka, settings.topic("in"), partitions=2)

    creating = asyncio.create_task(create_later())
    async with lanes(settings) as member:
        await until(lambda: has_partitions(member, 2), within_s=15)
    await creating


async def test_each_record_comes_out_once_and_lag_reaches_0(settings: KafkaSettings) -> None:
    async with lanes(settings):
        await until(lambda: drained(settings), within_s=30)

    await assert_each_once(settings)


async def test_lanes_that_share_too_few_bytes_take_turns(settings: KafkaSettings) -> None:
    """What a transaction held is free when it has ended, not when the next batch asks: that one may wait for it."""
    async with lanes(settings, limits=LaneLimits(batch_records=20, in_flight_bytes=1, stalled_s=60)):
        await until(lambda: drained(settings), within_s=60)

    await assert_each_once(settings)


async def test_lag_reaches_0_behind_aborted_records_and_markers(settings: KafkaSettings) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.group("feed"))
    await producer.start()
    await producer.begin_transaction()
    for partition in range(4):
        await producer.send_and_wait(settings.topic("in"), b"aborted", partition=partition)
    await producer.abort_transaction()
    await producer.stop()

    async with lanes(settings):
        await until(lambda: drained(settings), within_s=30)

    await assert_each_once(settings)


async def test_a_member_that_joins_and_one_that_leaves_double_nothing(settings: KafkaSettings) -> None:
    async with lanes(settings):
        async with lanes(settings) as second:
            await until(lambda: has_partitions(second, 2), within_s=30)
            more = [(b"key-%d" % (n % 40), b"%d" % n, ()) for n in range(RECORDS, 2 * RECORDS)]
            await produce(settings.bootstrap_servers, settings.topic("in"), more)
        await until(lambda: drained(settings), within_s=30)

    await assert_each_once(settings, 2 * RECORDS)


async def test_whatever_a_batch_raises_it_is_done_again_from_what_was_committed(settings: KafkaSettings) -> None:
    failures = iter([RuntimeError("once"), OSError("twice"), AssertionError("thrice")] * 4)
    calls = 0

    async def fails_now_and_then(records: Sequence[Record]) -> list[Copied]:
        nonlocal calls
        calls += 1
        if calls % 4 == 0 and (failure := next(failures, None)):
            raise failure
        return await copy(records)

    async with lanes(settings, fails_now_and_then):
        await until(lambda: drained(settings), within_s=60)

    await assert_each_once(settings)


async def test_a_record_that_no_client_can_read_is_stepped_over_and_told_of(settings: KafkaSettings) -> None:
    """
    A header's name may be any bytes; aiokafka decodes it strictly, and would stop at it for ever.

    It cannot read what follows in the same batch of the producer either, so that is told of, too.
    """
    values = [b"%d" % number for number in range(RECORDS, RECORDS + 8)]
    first = await produce_unreadable(settings.bootstrap_servers, settings.topic("in"), values, at=6)
    unreadable: list[Record] = []

    async def copies_what_has_a_value(records: Sequence[Record]) -> list[Copied]:
        unreadable.extend(record for record in records if record.value is None)
        return [each if each.outputs[0].value else Copied(()) for each in await copy(records)]

    async with lanes(settings, copies_what_has_a_value):
        await until(lambda: drained(settings), within_s=30)

    out = await read_committed(settings.bootstrap_servers, settings.topic("out"))
    assert sorted(record.value or b"" for record in out) == sorted(b"%d" % number for number in range(RECORDS + 6))
    assert {(record.partition, record.offset) for record in unreadable} == {(0, first + 6), (0, first + 7)}
    assert {header(record.headers, "tagwire-unreadable") for record in unreadable} == {
        "the name of a header is not UTF-8"
    }


async def test_records_deleted_before_they_were_read_are_told_of_and_the_rest_comes(settings: KafkaSettings) -> None:
    async with lanes(settings):
        await until(lambda: drained(settings), within_s=30)
    more = [(b"key-1", b"%d" % number, ()) for number in range(RECORDS, RECORDS + 50)]
    await produce(settings.bootstrap_servers, settings.topic("in"), more)
    (end,) = {o.end for o in await group_offsets(settings, [settings.group("copiers")]) if o.end != o.committed}
    (behind,) = [o for o in await group_offsets(settings, [settings.group("copiers")]) if o.end != o.committed]
    async with admin(settings) as connection:
        partition = TopicPartition(behind.topic, behind.partition)
        await connection.delete_records({partition: RecordsToDelete(before_offset=(end or 0) - 20)})

    with capture_logs() as said:
        async with lanes(settings):
            await until(lambda: drained(settings), within_s=30)

    out = await read_committed(settings.bootstrap_servers, settings.topic("out"))
    assert Counter(record.value for record in out).most_common(1)[0][1] == 1
    assert len(out) == RECORDS + 20
    (told,) = [line for line in said if line["event"] == "offset_out_of_range"]
    assert (told["wanted"], told["first"]) == (behind.committed, (end or 0) - 20)


async def test_a_fenced_lane_writes_nothing_more_and_comes_back(settings: KafkaSettings) -> None:
    rivals: list[AIOKafkaProducer] = []

    async def is_fenced_in_the_middle(records: Sequence[Record]) -> list[Copied]:
        if len(rivals) < 2 and int(records[0].value or b"") > RECORDS // 3:
            partition = f"{records[0].topic}-{records[0].partition}"
            rival = client.producer(
                settings, client_id="r", transactional_id=f"{settings.group('copiers')}-{partition}"
            )
            rivals.append(rival)
            await rival.start()
        return await copy(records)

    async with lanes(settings, is_fenced_in_the_middle) as running:
        await until(lambda: drained(settings), within_s=60)
        assert len(running.states) == 4
    for rival in rivals:
        await rival.stop()

    assert len(rivals) == 2
    await assert_each_once(settings)


@pytest.mark.parametrize("error", [NotCoordinatorForGroupError, CoordinatorLoadInProgressError])
async def test_a_failed_offset_fetch_is_not_taken_for_nothing_committed(
    settings: KafkaSettings, error: type[Exception]
) -> None:
    """aiokafka 0.14 ignores the answer's top-level error, and would deliver the whole topic again."""
    async with lanes(settings):
        await until(lambda: drained(settings), within_s=30)
    consumer = await client.group_member(settings, settings.group("copiers"), client_id="t")
    try:
        asked = consumer._client.send
        wrong_answers = 2

        async def answer_wrongly_at_first(node: int, request: object, **options: object) -> object:
            nonlocal wrong_answers
            answer = await asked(node, request, **options)
            if type(answer).__name__.startswith("OffsetFetchResponse") and wrong_answers:
                wrong_answers -= 1
                answer.error_code, answer.topics = error.errno, []  # type: ignore[attr-defined]
            return answer

        consumer._client.send = answer_wrongly_at_first
        committed = [await consumer.committed(TopicPartition(settings.topic("in"), number)) for number in range(4)]
    finally:
        await client.stop(consumer)

    assert wrong_answers == 0
    assert None not in committed
