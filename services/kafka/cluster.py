"""A cluster as an operator sees it: every group, what it has committed and who is in it, and where partitions end."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.admin import ListGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

from services.kafka.admin import admin
from services.kafka.group_requests import ConsumerGroupDescribe, DescribeGroups
from services.kafka.settings import KafkaSettings

CONSUMERS: Final = "consumer"
"""Protocol type of groups that share partitions; others, as share groups, are not ours to judge."""
AT_ONCE: Final = 32
"""Requests under way."""
GROUPS_AT_ONCE: Final = 100
PARTITIONS_AT_ONCE: Final = 2000
"""In one request."""
LOOK_S: Final = 60.0
"""A look that takes longer is given up."""
REBALANCING: Final = frozenset({"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
"""States of a group, as brokers call them, in which nobody is sure of his partitions."""
DEAD: Final = "Dead"
"""What a broker says of a group that it does not know, or that follows the other protocol."""

_EARLIEST: Final = -2
_LATEST: Final = -1
_UNCOMMITTED: Final = 0
_COMMITTED: Final = 1


class Partition(NamedTuple):
    topic: str
    number: int


class Ends(NamedTuple):
    """First offset, last stable offset (where a read-committed reader ends) and high watermark; None: not known."""

    low: int | None
    end: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Member:
    client_id: str
    host: str
    partitions: frozenset[Partition]
    is_readable: bool = True
    """Whether its partitions are known: a group may write them in a way of its own, or nonsense."""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    state: str
    """As the broker calls it: Stable, Empty, Dead …"""
    members: tuple[Member, ...]
    committed: Mapping[Partition, int]

    @property
    def is_unsettled(self) -> bool:
        """Whether it is not known, or not settled, who has which partition."""
        return self.state in REBALANCING or not all(member.is_readable for member in self.members)


@dataclass(frozen=True, slots=True)
class Look:
    """A cluster at one moment."""

    at_s: float
    """Seconds since 1970, when the ends were known."""
    groups: Mapping[str, Group]
    ends: Mapping[Partition, Ends]
    """Of every partition but the brokers' own."""
    errors: Mapping[str, str] = field(default_factory=dict)
    """Group, or `broker 1` -> why something of it is not known."""
    is_whole: bool = True
    """Whether every broker told its groups: else one that is not there may be there all the same."""


class Cluster:
    """Looks again and again over the same connections. Use as an async context manager; raises KafkaError."""

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        includes: Callable[[str], bool] = lambda _: True,
        topics: Collection[str] | None = None,
    ) -> None:
        """
        `includes` says of a group's name whether it is looked at.

        `topics` are those whose ends are asked for, by their names on the broker; None: all, which of a large cluster
        is much.
        """
        self._settings = settings
        self._includes = includes
        self._topics = None if topics is None else frozenset(topics)
        self._parts = AsyncExitStack()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        self._admin: AIOKafkaAdminClient = await self._parts.enter_async_context(admin(self._settings))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def look(self) -> Look:
        """
        Ask for committed offsets first and for ends second: the other way round, lag could come out negative.

        What one broker or one group does not tell is in `errors`. Raises KafkaError when none answers at all, and
        TimeoutError.
        """
        async with asyncio.timeout(LOOK_S):
            brokers, leaders = await self._metadata()
            found = _Found()
            await asyncio.gather(*(self._ask_groups(broker, found) for broker in brokers))
            ends = await self._ends(leaders, found)
        groups = {
            name: Group(name, *found.described[name], offsets)
            for name, offsets in sorted(found.committed.items())
            if name in found.described
        }
        return Look(time.time(), groups, ends, found.errors, found.is_whole)

    async def _metadata(self) -> tuple[list[int], dict[Partition, int]]:
        """Return the brokers, and partition -> leader; -1 for one that has none."""
        answer = (await self._send(MetadataRequest(None), None)).to_object()
        brokers = sorted(broker["node_id"] for broker in answer["brokers"])
        client = self._admin._client  # noqa: SLF001  # it knows new brokers only after a while
        if not set(brokers) <= {broker.nodeId for broker in client.cluster.brokers()}:
            await client.force_metadata_update()
        leaders = {
            Partition(topic["topic"], each["partition"]): each["leader"]
            for topic in answer["topics"]
            if not topic["is_internal"]
            for each in topic["partitions"]
        }
        return brokers, leaders

    async def _ask_groups(self, broker: int, found: "_Found") -> None:
        """Ask a broker for the groups that it coordinates, so that nobody has to be asked who does."""
        try:
            names = [name for name in await self._groups_of(broker) if self._includes(name)]
            chunks = [names[i : i + GROUPS_AT_ONCE] for i in range(0, len(names), GROUPS_AT_ONCE)]
            for described in await asyncio.gather(*(self._describe(broker, chunk) for chunk in chunks)):
                found.described.update(described)
        except KafkaError as error:
            found.miss(f"broker {broker}", error)
            return

        async def ask(name: str) -> None:
            try:
                found.committed[name] = await self._offsets(broker, name)
            except KafkaError as error:
                found.errors[name] = repr(error)

        await asyncio.gather(*map(ask, names))

    async def _groups_of(self, broker: int) -> list[str]:
        answer = await self._send(ListGroupsRequest(), broker)
        _check(answer.error_code, f"groups of broker {broker}")
        # An empty protocol: nobody has ever joined, somebody commits.
        return sorted(name for name, protocol, *_ in answer.groups if protocol in {CONSUMERS, ""})

    async def _describe(self, broker: int, names: list[str]) -> dict[str, tuple[str, tuple[Member, ...]]]:
        answer = await self._send(DescribeGroups(names), broker)
        known = {
            name: (state, tuple(_member(*member) for member in members))
            for code, name, state, _, _, members in answer.groups
            if not code
        }
        if strange := [name for name in names if name not in known or known[name][0] == DEAD]:
            known |= await self._describe_new(broker, strange)
        return known

    async def _describe_new(self, broker: int, names: list[str]) -> dict[str, tuple[str, tuple[Member, ...]]]:
        try:
            answer = await self._send(ConsumerGroupDescribe(names), broker)
        except IncompatibleBrokerVersion:  # before Kafka 4
            return {}
        return {
            name: (state, tuple(_new_member(*member) for member in members))
            for code, _, name, state, _, _, _, members, *_ in answer.groups
            if not code
        }

    async def _offsets(self, broker: int, group: str) -> dict[Partition, int]:
        answer = await self._send(OffsetFetchRequest(group, None), broker)
        # aiokafka's own list_consumer_group_offsets() takes such an error for «no offsets».
        _check(getattr(answer, "error_code", 0), group)
        return {
            Partition(topic, number): offset
            for topic, partitions in answer.topics
            for number, offset, _, code in partitions
            if not code and offset >= 0
        }

    async def _ends(self, leaders: Mapping[Partition, int], found: "_Found") -> dict[Partition, Ends]:
        led: dict[int, list[Partition]] = defaultdict(list)
        for partition, leader in leaders.items():
            if leader >= 0 and (self._topics is None or partition.topic in self._topics):
                led[leader].append(partition)
        asked: list[Coroutine[Any, Any, dict[Partition, Ends]]] = [
            self._ends_of(leader, partitions[i : i + PARTITIONS_AT_ONCE], found)
            for leader, partitions in led.items()
            for i in range(0, len(partitions), PARTITIONS_AT_ONCE)
        ]
        ends = dict.fromkeys(leaders, Ends(None, None, None))
        for told in await asyncio.gather(*asked):
            ends |= told
        return ends

    async def _ends_of(self, broker: int, partitions: list[Partition], found: "_Found") -> dict[Partition, Ends]:
        try:
            low, end, high = await asyncio.gather(
                self._list_offsets(broker, partitions, _EARLIEST, _UNCOMMITTED),
                self._list_offsets(broker, partitions, _LATEST, _COMMITTED),
                self._list_offsets(broker, partitions, _LATEST, _UNCOMMITTED),
            )
        except KafkaError as error:
            found.errors[f"broker {broker}"] = repr(error)
            return {}
        return {each: Ends(low.get(each), end.get(each), high.get(each)) for each in partitions}

    async def _list_offsets(
        self, broker: int, partitions: Iterable[Partition], when: int, isolation: int
    ) -> dict[Partition, int]:
        by_topic: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for topic, number in partitions:
            by_topic[topic].append((number, when))
        answer = await self._send(OffsetRequest(-1, isolation, list(by_topic.items())), broker)
        # A partition that just lost its leader, or is gone, has a code of its own, and spoils no other's answer.
        return {
            Partition(topic, number): offset
            for topic, told in answer.topics
            for number, code, _, offset in told
            if not code and offset >= 0
        }

    async def _send(self, request: Any, broker: int | None) -> Any:
        async with self._turns:
            return await self._admin._send_request(request, broker)  # noqa: SLF001  # nothing public names the broker


@dataclass(slots=True)
class _Found:
    """What a look has gathered so far."""

    described: dict[str, tuple[str, tuple[Member, ...]]] = field(default_factory=dict)
    committed: dict[str, dict[Partition, int]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True

    def miss(self, broker: str, error: KafkaError) -> None:
        self.errors[broker] = repr(error)
        self.is_whole = False


def _check(code: int, about: str) -> None:
    if code:
        raise for_code(code)(about)


def _member(_member_id: str, client_id: str, host: str, _metadata: bytes, assignment: bytes) -> Member:
    partitions = _assigned(assignment)
    return Member(client_id, host.lstrip("/"), partitions or frozenset(), is_readable=partitions is not None)


def _assigned(assignment: bytes) -> frozenset[Partition] | None:
    """Return the partitions of an assignment; None for what is none: the broker keeps any bytes that a leader sends."""
    if not assignment:
        return frozenset()
    try:
        assigned = ConsumerProtocolMemberAssignment.decode(assignment).assignment
        return frozenset(Partition(topic, number) for topic, numbers in assigned for number in numbers)
    except (ValueError, TypeError):  # it ends too early, is no UTF-8, or has null for a list
        return None


def _new_member(*told: Any) -> Member:
    _, _, _, _, client_id, host, _, _, (assigned, _), *_ = told
    partitions = frozenset(Partition(topic, number) for _, _, topic, numbers, _ in assigned for number in numbers)
    return Member(client_id, host.lstrip("/"), partitions)
