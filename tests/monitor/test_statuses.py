"""Statuses of real groups on a real broker, each right after two more looks at most."""

import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import RecordsToDelete
from aiokafka.protocol.admin import DeleteGroupsRequest

from services.core.lag_status import Status
from services.kafka.admin import admin
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch
from tests.brokers import create_topic, until
from tests.monitor.stage import Stage, only


async def test_a_drained_transactional_topic_has_lag_0_though_tools_that_count_offsets_say_1(stage: Stage) -> None:
    """Its reader commits what follows the last record; a marker stands there, and no record ever comes."""
    await stage.transact(5)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        group = await stage.look(1)
        as_others_count = (await member.end_offsets([stage.partition]))[stage.partition] - 5

    assert as_others_count == 1
    assert (only(group).lag, only(group).lag_s) == (0, 0)
    assert group.verdict.status is Status.OK


async def test_behind_aborted_records_it_is_drained_too_until_the_next_one(stage: Stage) -> None:
    await stage.transact(5)
    await stage.transact(20, commits=False)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        drained = await stage.look(1)
        sent_s = time.time()
        await stage.transact(3)
        behind = await stage.look(1)

    assert (only(drained).lag, drained.verdict.status) == (0, Status.OK)
    assert only(behind).lag == 4  # three records, and a marker behind them
    assert 0 <= (only(behind).lag_s or 0) <= time.time() - sent_s + 1


async def test_an_open_transaction_is_blocked_and_no_lag(stage: Stage) -> None:
    await stage.feed(5)
    async with stage.member() as member, stage.open_transaction(7) as producer:
        await member.commit({stage.partition: 5})
        group = await stage.look()
        await producer.abort_transaction()

    assert only(group).lag == 0
    assert group.verdict.status is Status.OK
    assert "7 offsets are behind an open transaction" in group.verdict.why


async def test_records_deleted_under_it_are_a_loss_and_no_lag(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        async with admin(stage.settings) as connection:
            await connection.delete_records({stage.partition: RecordsToDelete(before_offset=12)})
        group = await stage.look(1)

    assert only(group).lag == 8
    assert group.verdict.status is Status.LOSS
    assert "7 offsets were deleted" in group.verdict.why


async def test_a_consumer_that_stops_behind_is_a_stop_at_the_second_look(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        before = await stage.look(1)
        await member.commit({stage.partition: 6})
    after = await stage.look(2)

    assert before.verdict.status is Status.UNKNOWN
    assert after.verdict.status is Status.STOP
    assert "no members, and 14 offsets wait" in after.verdict.why


async def test_a_consumer_that_is_paused_is_a_stall(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        member.pause(stage.partition)
        group = await stage.look()

    assert group.verdict.status is Status.STALL
    assert "stands at 5" in group.verdict.why
    assert only(group).owner is not None


async def test_a_consumer_that_keeps_up_is_well_and_one_that_falls_behind_is_warned_of(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        statuses = []
        for offset, records in ((5, 5), (10, 5), (15, 20), (18, 20), (20, 20), (22, 20), (24, 20)):
            await member.commit({stage.partition: offset})
            await stage.feed(records)
            statuses.append((await stage.look(1)).verdict.status)

    assert statuses[:3] == [Status.UNKNOWN, Status.OK, Status.WARN]
    assert statuses[-1] is Status.WARN


async def test_a_rewound_group_says_where_it_was(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 15})
        await stage.look(1)
        await member.commit({stage.partition: 3})
        group = await stage.look(1)

    assert group.verdict.status is Status.REWIND
    assert "stands at 3 and was at 15" in group.verdict.why


async def test_a_topic_that_is_deleted_and_made_anew_is_a_rewind(stage: Stage) -> None:
    """The broker forgets what was committed in it."""
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 15})
        await stage.look(1)
        async with admin(stage.settings) as connection:
            await connection.delete_topics([stage.topic])

            async def is_gone() -> bool:
                return stage.topic not in await connection.list_topics()

            await until(is_gone, within_s=15)
        gone = await stage.look(1)
        await create_topic(stage.settings.bootstrap_servers, stage.topic, partitions=1)
        await stage.feed(4)
        anew = await stage.look(1)
        await member.commit({stage.partition: 15})
        beyond = await stage.look(1)

    assert gone.partitions == ()
    assert anew.verdict.status is Status.UNKNOWN
    assert beyond.verdict.status is Status.REWIND
    assert "committed 15 and the end is 4" in beyond.verdict.why


async def test_a_group_that_never_commits_is_a_stall_and_its_lag_is_not_known(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member():
        group = await stage.look()

    assert (only(group).lag, only(group).lag_s, group.point.lag) == (None, None, 0)
    assert group.verdict.status is Status.STALL
    assert "never committed" in group.verdict.why


async def test_a_group_without_members_and_without_work_is_empty(stage: Stage) -> None:
    await stage.feed(20)
    await stage.commit(20)

    group = await stage.look(1)

    assert group.verdict.status is Status.EMPTY
    assert group.state == "Empty"


async def test_a_reader_that_chose_its_partition_by_itself_is_no_stop_while_it_moves(stage: Stage) -> None:
    await stage.feed(20)
    statuses = []
    for offset in (5, 10, 15, 15):
        await stage.commit(offset)
        statuses.append((await stage.look(1)).verdict.status)

    assert statuses == [Status.STOP, Status.OK, Status.OK, Status.STOP]


async def test_a_topic_that_a_living_group_has_left_is_abandoned(stage: Stage) -> None:
    await stage.feed(20)
    await stage.commit(5)
    other = stage.settings.topic("other")
    await create_topic(stage.settings.bootstrap_servers, other, partitions=1)
    async with stage.member(other):
        group = await stage.look(1)

    assert group.verdict.status is Status.ABANDONED


async def test_a_group_that_is_deleted_is_gone_with_the_next_look(stage: Stage) -> None:
    await stage.feed(20)
    await stage.commit(5)
    before = await stage.look(1)
    async with admin(stage.settings) as connection:
        coordinator = await connection.find_coordinator(stage.group)
        answer = await connection._send_request(DeleteGroupsRequest([stage.group]), coordinator)
    after = await stage.watch.look()

    assert [code for _, code in answer.results] == [0]
    assert before.verdict.status is Status.STOP
    assert stage.group not in after.groups
    assert stage.group not in after.history


async def test_the_wait_of_our_own_groups_is_that_of_the_record_itself(stage: Stage) -> None:
    ages_s = (3600, 60)
    producer = AIOKafkaProducer(bootstrap_servers=stage.settings.bootstrap_servers)
    await producer.start()
    for age_s in ages_s:
        sent_ms = int((time.time() - age_s) * 1000)
        await producer.send_and_wait(stage.topic, b"x", partition=0, timestamp_ms=sent_ms)
    await producer.stop()

    waits = []
    async with Watch(stage.settings, MonitorSettings(), {stage.group: stage.topic}, groups=[stage.group]) as watch:
        for committed in (None, 1, 2):
            if committed is not None:
                await stage.commit(committed)
            waits.append(only((await watch.look()).groups[stage.group]).lag_s)

    assert waits == [pytest.approx(3600, abs=10), pytest.approx(60, abs=10), 0]


CONSUMER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer, TopicPartition

async def main():
    servers, group, topic = sys.argv[1:]
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=group, enable_auto_commit=False, session_timeout_ms=6000
    )
    await consumer.start()
    await consumer.commit({TopicPartition(topic, 0): 5})
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_member_that_was_killed_is_a_stop_as_soon_as_the_broker_knows(stage: Stage) -> None:
    await stage.feed(20)
    async with AsyncExitStack() as parts:
        arguments = (stage.settings.bootstrap_servers, stage.group, stage.topic)
        process = await create_subprocess_exec(sys.executable, "-c", CONSUMER, *arguments, stdout=PIPE, stderr=DEVNULL)
        parts.push_async_callback(process.wait)
        parts.callback(process.kill)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        alive = await stage.look()
        os.kill(process.pid, signal.SIGKILL)
        parts.pop_all()
        await process.wait()

        async def is_known() -> bool:
            return (await stage.look(1)).state == "Empty"

        await until(is_known, within_s=20)
        dead = await stage.look(1)

    assert alive.verdict.status is Status.STALL
    assert dead.verdict.status is Status.STOP
