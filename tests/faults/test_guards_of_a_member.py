"""Each guard of a member of the group, by the one moment that it is for: who has a partition, and who notices."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from schemas.workers import LaneState
from services.kafka.lane import Lane
from services.kafka.lanes import Lanes
from services.kafka.records import Output
from services.kafka.settings import KafkaSettings
from services.kafka.transactions import Transactions
from tests.brokers import until
from tests.faults.copying import DEADLINE_S, RECORDS, drained, feed, input_partition, member, numbered, written


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    return await numbered(kafka, prefix)


async def test_no_transaction_is_under_way_when_a_partition_is_given_away(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, revoke = AIOKafkaProducer.commit_transaction, Lanes.on_partitions_revoked
    begun, asked = asyncio.Event(), asyncio.Event()
    under_way, left_under_way = 0, []

    async def commit_when_asked_to_go(self: Any) -> None:
        nonlocal under_way
        under_way += 1
        begun.set()
        await asked.wait()
        await asyncio.sleep(0.1)
        await commit(self)
        under_way -= 1

    async def ask_to_go(self: Lanes, revoked: Iterable[TopicPartition]) -> None:
        if not begun.is_set():  # it joins, and has nothing to give away
            await revoke(self, revoked)
            return
        asked.set()
        await revoke(self, revoked)
        left_under_way.append(under_way)

    monkeypatch.setattr(AIOKafkaProducer, "commit_transaction", commit_when_asked_to_go)
    monkeypatch.setattr(Lanes, "on_partitions_revoked", ask_to_go)
    async with member(settings) as running:
        async with asyncio.timeout(DEADLINE_S):
            await begun.wait()
        coordinator_of(running).request_rejoin()
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    assert left_under_way == [0]
    assert await written(settings) == list(range(RECORDS))


async def test_who_is_fenced_leaves_its_heir_the_time_of_a_session(settings: KafkaSettings) -> None:
    """Coming back at once, it would fence the heir in turn, and the heir it."""
    heir = Transactions(settings, input_partition(settings), group=settings.group("g"))
    async with member(settings) as running:
        await until(lambda: drained(settings), within_s=DEADLINE_S)
        await heir.open()
        await feed(settings, RECORDS)
        await until(lambda: is_fenced(running), within_s=DEADLINE_S)
        await asyncio.sleep(1)  # of the session's 6

        heir.commit([Output("out", b"key", b"%d" % RECORDS)], RECORDS + 1)
        await heir.settle()
    await heir.drop()

    assert await written(settings) == list(range(RECORDS + 1))


async def test_who_has_left_takes_no_partition(settings: KafkaSettings) -> None:
    """A rebalance may end while we leave: nobody would stop those lanes."""
    async with member(settings) as running:
        await until(lambda: drained(settings), within_s=DEADLINE_S)

    await running.on_partitions_assigned([input_partition(settings)])

    assert running.states == {}


async def test_an_error_of_the_group_is_met_although_nobody_polls(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka waits with the next join until a poll has met its error; while it joins no lane polls."""
    async with member(settings) as running:
        await until(lambda: drained(settings), within_s=DEADLINE_S)
        watching = asyncio.create_task(running.watch())
        coordinator = coordinator_of(running)
        join, refusals = coordinator._do_rejoin_group, [GroupAuthorizationFailedError("g")]

        async def refuse_once(*arguments: Any) -> Any:
            if refusals:
                raise refusals.pop()
            return await join(*arguments)

        monkeypatch.setattr(coordinator, "_do_rejoin_group", refuse_once)
        coordinator.request_rejoin()
        await until(lambda: is_empty(refusals), within_s=DEADLINE_S)
        await feed(settings, RECORDS)

        await until(lambda: drained(settings), within_s=DEADLINE_S)
        assert not watching.done()
        watching.cancel()

    assert await written(settings) == list(range(RECORDS + 1))


def break_fetching(running: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert running._consumer is not None
    monkeypatch.setattr(running._consumer._fetcher, "_get_actions_per_node", breaks)


def break_coordination(running: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator_of(running), "_do_rejoin_group", breaks)
    coordinator_of(running).request_rejoin()


def break_heartbeats(running: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coordinator_of(running), "_do_heartbeat", is_refused)


def break_lane(running: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lane, "_begin", breaks)
    monkeypatch.setattr(Lane, "_tell", breaks)
    coordinator_of(running).request_rejoin()


@pytest.mark.parametrize("break_it", [break_fetching, break_coordination, break_heartbeats, break_lane])
async def test_a_task_that_died_ends_the_watch(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[Lanes, pytest.MonkeyPatch], None]
) -> None:
    """Nobody starts it again, so without it this process would stand still for ever, and look well."""
    async with member(settings) as running:
        await until(lambda: drained(settings), within_s=DEADLINE_S)
        break_it(running, monkeypatch)

        with pytest.raises((KafkaError, RuntimeError)):
            await asyncio.wait_for(running.watch(), DEADLINE_S)
    assert running._consumer is not None


def breaks(*_: Any) -> None:
    raise RuntimeError("it broke")


async def is_refused() -> None:
    raise GroupAuthorizationFailedError("g")


def coordinator_of(running: Lanes) -> Any:
    assert running._consumer is not None
    return running._consumer._coordinator


async def is_fenced(running: Lanes) -> bool:
    return set(running.states.values()) == {LaneState.FENCED}


async def is_empty(left: Sequence[Exception]) -> bool:
    return not left
