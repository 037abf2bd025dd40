"""Each guard of a lane, by the one moment that it is for: a random fault would meet it once in a thousand times."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import ProducerFenced, TopicAuthorizationFailedError
from aiokafka.structs import OffsetAndMetadata
from structlog.testing import capture_logs

from schemas.workers import LaneState
from services.kafka import client, transactions
from services.kafka.lane import LaneLimits
from services.kafka.lanes import Lanes
from services.kafka.records import Output, Record
from services.kafka.settings import KafkaSettings
from services.kafka.transactions import Transactions
from tests.brokers import until
from tests.faults.copying import (
    DEADLINE_S,
    RECORDS,
    Copied,
    committed,
    copy,
    drained,
    input_partition,
    member,
    numbered,
    written,
)

ONE_SLICE = LaneLimits(batch_records=10, in_flight_bytes=1)


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    return await numbered(kafka, prefix)


async def test_an_offset_is_never_committed_past_a_record_that_the_broker_refused(settings: KafkaSettings) -> None:
    """aiokafka's commit does not look at what became of the records: it commits, and the refused one is lost."""
    await create_topic_of_small_records(settings, "small", max_message_bytes=2000)
    incompressible = b"".join(hash((n, "x")).to_bytes(8, "big", signed=True) for n in range(1000))
    refused = asyncio.Event()
    is_mended = False

    async def one_is_too_large(records: Sequence[Record]) -> list[Copied]:
        if is_mended:
            return await copy(records)
        if any(record.offset == RECORDS // 2 for record in records):
            refused.set()
        outputs = [
            Output("small", b"key", incompressible) if r.offset == RECORDS // 2 else Output("out", r.key, r.value)
            for r in records
        ]
        return [Copied((output,)) for output in outputs]

    async with member(settings, one_is_too_large) as running:
        async with asyncio.timeout(DEADLINE_S):
            await refused.wait()
        await until(lambda: is_in(running, LaneState.BACKING_OFF), within_s=DEADLINE_S)
        assert (await committed(settings) or 0) <= RECORDS // 2
        is_mended = True
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert await written(settings) == list(range(RECORDS))


async def test_a_transaction_that_never_ends_is_given_up(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's sender may stop without a word, as after a full disk; the lane would wait with it."""
    monkeypatch.setattr(transactions, "TRANSACTION_TIMEOUT_S", 2.0)
    commit = AIOKafkaProducer.commit_transaction
    hung: list[AIOKafkaProducer] = []

    async def hang_once(self: Any) -> None:
        if not hung:
            hung.append(self)
            await asyncio.sleep(3600)
        await commit(self)

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", hang_once)
    async with member(settings):
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert hung
    assert await written(settings) == list(range(RECORDS))


async def test_a_lane_fences_before_it_reads_the_committed_offset(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the owner before it might commit between the two, and its records would be done again."""
    partition, group = input_partition(settings), settings.group("g")
    identity = f"{group}-{partition.topic}-{partition.partition}"
    owner = client.producer(settings, client_id="owner", transactional_id=identity)
    await owner.start()
    await owner.begin_transaction()
    for number in range(10):
        await owner.send_and_wait(settings.topic("out"), b"%d" % number, key=b"key")
    await owner.send_offsets_to_transaction({partition: OffsetAndMetadata(10, "")}, group)
    read = AIOKafkaConsumer.committed
    ends: list[str] = []

    async def committed_and_the_owner_moves(self: Any, asked: TopicPartition) -> Any:
        offset = await read(self, asked)
        if not ends:
            try:
                await owner.commit_transaction()
                ends.append("committed")
            except (ProducerFenced, AssertionError):
                ends.append("fenced")
        return offset

    monkeypatch.setattr(AIOKafkaConsumer, "committed", committed_and_the_owner_moves)
    async with member(settings):
        await until(lambda: drained(settings), within_s=DEADLINE_S)
    await client.stop(owner)

    assert ends == ["fenced"]
    assert await written(settings) == list(range(RECORDS))


async def test_a_lane_that_is_stopped_lets_its_transaction_end(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancelled commit of aiokafka goes on unseen: nobody would know how it ended, nor wait for it."""
    begun = asyncio.Event()
    commit = AIOKafkaProducer.commit_transaction

    async def commit_slowly(self: Any) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        await commit(self)

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", commit_slowly)
    transactions = Transactions(settings, input_partition(settings), group=settings.group("g"))
    await transactions.open()
    transactions.commit([Output("out", b"key", b"0")], 1)
    waiting = asyncio.create_task(transactions.settle())
    await begun.wait()

    waiting.cancel()
    await asyncio.wait({waiting})
    await transactions.drop()

    assert transactions.committed == 1
    assert await committed(settings) == 1
    assert await written(settings) == [0]


async def test_a_transaction_id_belongs_to_its_partition_whoever_works_on_it(settings: KafkaSettings) -> None:
    """So that the one who opens it later fences the one before, who may only be asleep."""
    sleeper, heir = (Transactions(settings, input_partition(settings), group=settings.group("g")) for _ in range(2))
    await sleeper.open()
    sleeper.commit([Output("out", b"key", b"0")], 1)
    await sleeper.settle()
    await heir.open()

    sleeper.commit([Output("out", b"key", b"1")], 2)
    with pytest.raises(ProducerFenced):
        await sleeper.settle()
    heir.commit([Output("out", b"key", b"1")], 2)
    await heir.settle()
    await sleeper.drop()
    await heir.drop()

    assert await written(settings) == [0, 1]


async def test_a_lane_starts_again_where_it_has_committed_not_where_it_has_read(settings: KafkaSettings) -> None:
    fails = True

    async def fails_once_in_the_middle(records: Sequence[Record]) -> list[Copied]:
        nonlocal fails
        if fails and records[0].offset > RECORDS // 2:
            fails = False
            raise OSError("once")
        return await copy(records)

    async with member(settings, fails_once_in_the_middle):
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert not fails
    assert await written(settings) == list(range(RECORDS))


async def test_an_assertion_of_aiokafka_is_an_error_like_any_other_of_the_cluster(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It guards its transactions with assert. A traceback in the log is for what we have not foreseen."""
    begin, errors = AIOKafkaProducer.begin_transaction, [AssertionError("a state"), ValueError("a bug")]

    async def fails_twice(self: Any) -> None:
        if errors:
            raise errors.pop(0)
        await begin(self)

    monkeypatch.setattr(AIOKafkaProducer, "begin_transaction", fails_twice)
    with capture_logs() as said:
        async with member(settings):
            await until(lambda: drained(settings), within_s=DEADLINE_S)

    told = [(line["error"], line["exc_info"] is not None) for line in said if line["event"] == "lane_backs_off"]
    assert told == [("AssertionError('a state')", False), ("ValueError('a bug')", True)]
    assert await written(settings) == list(range(RECORDS))


async def test_a_producer_is_not_used_again_after_an_error(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka's abort after a refused right is none at the broker: the next commit would bring the records, too."""
    send_offsets, refusals = AIOKafkaProducer.send_offsets_to_transaction, [TopicAuthorizationFailedError("out")]

    async def is_refused_once(self: Any, *arguments: Any) -> None:
        if refusals:
            self._txn_manager.error_transaction(refusals[0])  # as its sender does when the broker says so
            raise refusals.pop()
        await send_offsets(self, *arguments)

    monkeypatch.setattr(AIOKafkaProducer, "send_offsets_to_transaction", is_refused_once)
    async with member(settings):
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert not refusals
    assert await written(settings) == list(range(RECORDS))


async def test_bytes_are_in_work_until_their_transaction_has_ended(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = AIOKafkaProducer.commit_transaction
    in_work, most_in_work = 0, 0

    async def begin_slice(records: Sequence[Record]) -> list[Copied]:
        nonlocal in_work, most_in_work
        in_work += 1
        most_in_work = max(most_in_work, in_work)
        return await copy(records)

    async def commit_and_end_slice(self: Any) -> None:
        nonlocal in_work
        await commit(self)
        in_work = 0

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", commit_and_end_slice)
    async with member(settings, begin_slice, ONE_SLICE):
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert most_in_work == 1


async def test_bytes_of_what_is_given_up_are_free_again(settings: KafkaSettings) -> None:
    """Else the lanes of this process would have less and less to share, and in the end nothing."""
    errors = [OSError("once"), OSError("twice")]

    async def fails_twice(records: Sequence[Record]) -> list[Copied]:
        if errors:
            raise errors.pop()
        return await copy(records)

    async with member(settings, fails_twice, ONE_SLICE):
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert await written(settings) == list(range(RECORDS))


async def create_topic_of_small_records(settings: KafkaSettings, name: str, *, max_message_bytes: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await admin.start()
    try:
        limit = {"max.message.bytes": str(max_message_bytes)}
        await admin.create_topics([NewTopic(settings.topic(name), 1, 1, topic_configs=limit)])
    finally:
        await admin.close()


async def is_in(running: Lanes, state: LaneState) -> bool:
    return state in running.states.values()
