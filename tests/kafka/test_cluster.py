"""A look at a real cluster: every group and who is in it, every partition and where it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import GroupLoadInProgressError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

from services.kafka.admin import admin
from services.kafka.cluster import Cluster, Ends, Group, Look, Partition
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, produce, until

TEXT = CompactString("utf-8")


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic("in"), partitions=2)
    return settings


async def look(settings: KafkaSettings) -> Look:
    async with Cluster(settings) as cluster:
        return await cluster.look()


@asynccontextmanager
async def member(settings: KafkaSettings, group: str = "g") -> AsyncIterator[AIOKafkaConsumer]:
    """A Kafka consumer as anyone has it; it reads all and commits where it is told to."""
    consumer = AIOKafkaConsumer(
        settings.topic("in"),
        bootstrap_servers=settings.bootstrap_servers,
        group_id=settings.group(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def test_a_look_tells_of_groups_what_they_have_and_who_is_in_them(settings: KafkaSettings) -> None:
    names = [settings.group(name) for name in ("first", "second", "third")]
    zero = TopicPartition(settings.topic("in"), 0)
    async with member(settings, "first") as first, member(settings, "second") as second, member(settings, "third"):
        await first.commit({zero: 5})
        await second.commit({zero: 0})
        seen = await look(settings)

    assert set(names) <= set(seen.groups)
    found = [seen.groups[name] for name in names]
    assert [group.state for group in found] == ["Stable"] * 3
    assert [dict(group.committed) for group in found] == [{zero: 5}, {zero: 0}, {}]
    for group in found:
        (only,) = group.members
        assert only.partitions == {Partition(settings.topic("in"), number) for number in range(2)}
        assert only.host == "127.0.0.1"
    assert not seen.errors
    assert seen.is_whole


async def test_a_group_that_is_left_is_empty_and_keeps_what_it_committed(settings: KafkaSettings) -> None:
    async with member(settings) as consumer:
        await consumer.commit({TopicPartition(settings.topic("in"), 1): 7})

    group = (await look(settings)).groups[settings.group("g")]

    assert group == Group(settings.group("g"), "Empty", (), {Partition(settings.topic("in"), 1): 7})


async def test_ends_are_those_of_a_read_committed_reader_and_the_high_watermark(settings: KafkaSettings) -> None:
    topic = settings.topic("in")
    await produce(settings.bootstrap_servers, topic, [(None, b"%d" % n, ()) for n in range(5)])
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.group("t"))
    await producer.start()
    try:
        await producer.begin_transaction()
        for number in range(2):
            await producer.send_and_wait(topic, b"open", partition=number)
        seen = [(await look(settings)).ends[Partition(topic, number)] for number in range(2)]
        await producer.abort_transaction()
    finally:
        await producer.stop()

    assert sum(ends.end or 0 for ends in seen) == 5
    assert all((ends.high or 0) - (ends.end or 0) == 1 for ends in seen)


async def test_what_was_deleted_raises_the_first_offset(settings: KafkaSettings) -> None:
    topic = settings.topic("in")
    messages = [(b"k", b"%d" % n, ()) for n in range(20)]
    await produce(settings.bootstrap_servers, topic, messages)
    (number,) = [
        place.number for place, ends in (await look(settings)).ends.items() if place.topic == topic and ends.end
    ]
    async with admin(settings) as connection:
        await connection.delete_records({TopicPartition(topic, number): RecordsToDelete(before_offset=12)})

    assert (await look(settings)).ends[Partition(topic, number)] == Ends(12, 20, 20)


async def test_a_topic_that_is_deleted_is_in_no_later_look(settings: KafkaSettings) -> None:
    topic = settings.topic("in")
    async with Cluster(settings) as cluster:
        before = await cluster.look()
        async with admin(settings) as connection:
            await connection.delete_topics([topic])

        async def is_gone() -> bool:
            return Partition(topic, 0) not in (await cluster.look()).ends

        await until(is_gone, within_s=15)

    assert before.ends[Partition(topic, 0)] == Ends(0, 0, 0)


async def test_groups_may_be_left_out(settings: KafkaSettings) -> None:
    async with member(settings), Cluster(settings, includes=lambda name: "no such" in name) as cluster:
        assert not (await cluster.look()).groups


async def test_ends_are_asked_for_of_some_topics_where_only_they_are_wanted(settings: KafkaSettings) -> None:
    await create_topic(settings.bootstrap_servers, settings.topic("other"), partitions=1)

    async with Cluster(settings, topics=[settings.topic("other")]) as cluster:
        seen = await cluster.look()

    assert seen.ends[Partition(settings.topic("other"), 0)] == Ends(0, 0, 0)
    assert seen.ends[Partition(settings.topic("in"), 0)] == Ends(None, None, None)


async def test_one_group_that_cannot_be_read_spoils_no_other(settings: KafkaSettings) -> None:
    async with member(settings, "a"), member(settings, "b"), Cluster(settings) as cluster:
        asked = cluster._admin._send_request

        async def loads(request: Any, node: int | None = None) -> Any:
            answer = await asked(request, node)
            if isinstance(request, OffsetFetchRequest) and request._consumer_group == settings.group("a"):
                answer.error_code = GroupLoadInProgressError.errno
            return answer

        cluster._admin._send_request = loads
        seen = await cluster.look()

    assert settings.group("a") not in seen.groups
    assert "GroupLoadInProgress" in seen.errors[settings.group("a")]
    assert settings.group("b") in seen.groups


async def test_what_is_committed_is_asked_before_the_ends(settings: KafkaSettings) -> None:
    """The other way round a commit may overtake the end, and lag comes out negative."""
    order: list[str] = []
    async with member(settings) as consumer, Cluster(settings) as cluster:
        await consumer.commit({TopicPartition(settings.topic("in"), 0): 0})
        asked = cluster._admin._send_request

        async def noted(request: Any, node: int | None = None) -> Any:
            answer = await asked(request, node)
            order.append(type(request).__name__)
            return answer

        cluster._admin._send_request = noted
        await cluster.look()

    assert max(n for n, name in enumerate(order) if name == "OffsetFetchRequest") < order.index("OffsetRequest")


@pytest.mark.parametrize(
    "assignment",
    [
        pytest.param(b"nonsense", id="nonsense"),
        pytest.param(b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff", id="null for a list"),
        pytest.param(b"\x00\x01\x7f\xff\xff\xff", id="two milliards of topics"),
        pytest.param(b"\x00\x01\x00\x00\x00\x01\x00\x02\xff\xfe\x00\x00\x00\x00", id="a name that is no UTF-8"),
    ],
)
async def test_a_member_whose_assignment_nobody_can_read_spoils_nothing(
    settings: KafkaSettings, assignment: bytes
) -> None:
    name = settings.group("strange")
    async with joined(settings, name, assignment), member(settings, "first") as first:
        await first.commit({TopicPartition(settings.topic("in"), 0): 5})
        seen = await look(settings)

    (stranger,) = seen.groups[name].members
    assert (stranger.partitions, stranger.is_readable) == (frozenset(), False)
    assert seen.groups[name].is_unsettled
    assert seen.groups[settings.group("first")].committed == {Partition(settings.topic("in"), 0): 5}
    assert seen.is_whole


@asynccontextmanager
async def joined(settings: KafkaSettings, group: str, assignment: bytes) -> AsyncIterator[None]:
    """Join as the only member, and so the leader, of a group, and give oneself that."""
    async with admin(settings) as connection:
        coordinator = await connection.find_coordinator(group)

        async def ask(request: Any) -> Any:
            return await connection._send_request(request, coordinator)

        member_id = ""
        while (
            answer := await ask(JoinGroupRequest(group, 30_000, 30_000, member_id, "", "consumer", [("own", b"\xff")]))
        ).error_code:
            member_id = answer.member_id  # a broker gives it out first
        told = (group, answer.generation_id, answer.member_id)
        assert not (await ask(SyncGroupRequest(*told, "", [(answer.member_id, assignment)]))).error_code
        yield
        await ask(LeaveGroupRequest(group, answer.member_id))


async def test_a_group_of_the_newer_protocol_has_its_members(settings: KafkaSettings) -> None:
    """Kafka 4 tells of such groups in an answer of their own; in the older one they are dead."""
    group, topic = settings.group("new"), settings.topic("in")
    me = str(uuid4())
    async with Cluster(settings) as cluster:
        epoch = 0

        async def has_both() -> bool:
            nonlocal epoch
            answer = await cluster._send(Heartbeat(group, me, epoch, topic), None)
            assert not answer.error_code, answer
            epoch = answer.member_epoch
            members = (await cluster.look()).groups[group].members
            return [len(each.partitions) for each in members] == [2]

        await until(has_both, within_s=30)
        (only,) = (await cluster.look()).groups[group].members
        await cluster._send(Heartbeat(group, me, -1, topic), None)

    assert only.partitions == {Partition(topic, 0), Partition(topic, 1)}
    assert only.client_id == "tagwire-admin"


class HeartbeatResponse(Response):  # type: ignore[misc]
    API_KEY = 68
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", TEXT),
        ("member_id", TEXT),
        ("member_epoch", Int32),
        ("interval_ms", Int32),
    )


class HeartbeatStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 68
    API_VERSION = 0
    RESPONSE_TYPE = HeartbeatResponse
    SCHEMA = Schema(
        ("group", TEXT),
        ("member_id", TEXT),
        ("member_epoch", Int32),
        ("instance_id", TEXT),
        ("rack_id", TEXT),
        ("rebalance_timeout_ms", Int32),
        ("topics", CompactArray(TEXT)),
        ("assignor", TEXT),
        ("owned", CompactArray(("high", Int64), ("low", Int64), ("partitions", CompactArray(Int32)))),
        ("tags", TaggedFields),
    )


class Heartbeat(Request[HeartbeatStruct]):  # type: ignore[misc]
    """What a Java consumer with group.protocol=consumer sends; aiokafka has no such thing."""

    API_KEY = 68

    def __init__(self, group: str, member: str, epoch: int, topic: str) -> None:
        self._fields: tuple[object, ...] = (group, member, epoch, None, None, 60_000, [topic], None, [], {})

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(*self._fields)


async def test_looks_do_not_wait_for_each_other(settings: KafkaSettings) -> None:
    async with Cluster(settings) as cluster:
        seen = await asyncio.gather(*(cluster.look() for _ in range(5)))

    assert len({frozenset(each.ends) for each in seen}) == 1
