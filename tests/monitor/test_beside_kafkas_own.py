"""The lag of `kafka-consumer-groups` beside ours, of the same groups on the same broker."""

from services.core.lag_status import Status
from tests.monitor.kafkas_own import lags_as_kafka_counts
from tests.monitor.stage import Stage, only


async def theirs(stage: Stage) -> int:
    return (await lags_as_kafka_counts(stage.settings.bootstrap_servers, stage.group))[stage.topic, 0]


async def test_on_a_plain_topic_both_say_the_same(stage: Stage) -> None:
    await stage.feed(20)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        group = await stage.look(1)
        assert (only(group).lag, await theirs(stage)) == (15, 15)


async def test_on_a_drained_transactional_topic_ours_is_0_and_theirs_counts_the_marker(stage: Stage) -> None:
    await stage.transact(5)
    async with stage.member() as member:
        await member.commit({stage.partition: 5})
        group = await stage.look(1)
        assert (only(group).lag, group.verdict.status, await theirs(stage)) == (0, Status.OK, 1)


async def test_what_no_reader_will_ever_see_is_lag_to_kafka_and_none_to_us(stage: Stage) -> None:
    """Decision 6 tells of this: five committed records, 20 aborted ones, three of an open transaction."""
    await stage.transact(5)
    await stage.transact(20, commits=False)
    async with stage.member() as member, stage.open_transaction(3) as producer:
        await member.commit({stage.partition: 5})
        group = await stage.look(1)
        others = await theirs(stage)
        await producer.abort_transaction()

    now = only(group).now
    assert (only(group).lag, (now.high or 0) - (now.end or 0), others) == (0, 3, 25)


async def test_a_reader_that_commits_its_position_behind_the_marker_is_drained_to_both(stage: Stage) -> None:
    await stage.transact(5)
    async with stage.member() as member:
        await member.commit({stage.partition: 6})
        group = await stage.look(1)
        assert (only(group).lag, await theirs(stage)) == (0, 0)
