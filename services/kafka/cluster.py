"""A cluster as an operator sees it: every group, what it has committed and who is in it, and where partitions end."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest
from aiokafka.protocol.commit import OffsetFetchRequest

from services.kafka import client
from services.kafka.admin import admin
from services.kafka.settings import KafkaSettings

CONSUMERS: Final = "consumer"
"""Protocol type of groups that share partitions; others, as Kafka Connect's, are not ours to judge."""
AT_ONCE: Final = 32
"""Requests under way."""
GROUPS_AT_ONCE: Final = 100
"""Groups in one request."""
REBALANCING: Final = frozenset({"PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling"})
"""States of a group, as brokers call them, in which nobody is sure of his partitions."""


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


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    state: str
    """As the broker calls it: Stable, Empty, Dead …"""
    members: tuple[Member, ...]
    committed: Mapping[Partition, int]

    @property
    def is_rebalancing(self) -> bool:
        return self.state in REBALANCING


@dataclass(frozen=True, slots=True)
class Look:
    """A cluster at one moment."""

    at_s: float
    """Seconds since 1970."""
    groups: Mapping[str, Group]
    ends: Mapping[Partition, Ends]
    errors: Mapping[str, str] = field(default_factory=dict)
    """Group -> why nothing is known of it."""


class Cluster:
    """Looks again and again over the same connections. Use as an async context manager; raises KafkaError."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._parts = AsyncExitStack()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Self:
        async with self._parts:
            self._admin: AIOKafkaAdminClient = await self._parts.enter_async_context(admin(self._settings))
            self._committed = await self._reader(isolation_level="read_committed")
            self._uncommitted = await self._reader(isolation_level="read_uncommitted")
            self._parts = self._parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def look(self) -> Look:
        """Ask for committed offsets first and for ends second: the other way round, lag could come out negative."""
        described: dict[str, tuple[str, tuple[Member, ...]]] = {}
        committed: dict[str, dict[Partition, int]] = {}
        errors: dict[str, str] = {}
        brokers = [broker["node_id"] for broker in (await self._admin.describe_cluster())["brokers"]]

        async def ask(broker: int, names: list[str]) -> None:
            described.update(await self._describe(broker, names))
            for name, answer in zip(
                names, await asyncio.gather(*(self._offsets(broker, name) for name in names)), strict=True
            ):
                if isinstance(answer, KafkaError):
                    errors[name] = repr(answer)
                else:
                    committed[name] = answer

        # Each broker lists the groups that it coordinates, so nobody has to be asked who does.
        for broker in brokers:
            names = await self._groups_of(broker)
            chunks = [names[i : i + GROUPS_AT_ONCE] for i in range(0, len(names), GROUPS_AT_ONCE)]
            await asyncio.gather(*(ask(broker, chunk) for chunk in chunks))
        topics = await self._admin.describe_topics()
        ends = await self._ends(
            Partition(topic["topic"], each["partition"]) for topic in topics for each in topic["partitions"]
        )
        groups = {
            name: Group(name, *described[name], offsets)
            for name, offsets in sorted(committed.items())
            if name in described
        }
        return Look(time.time(), groups, ends, errors)

    async def _reader(self, **arguments: str) -> AIOKafkaConsumer:
        reader = AIOKafkaConsumer(
            **client.connection(self._settings), client_id="tagwire-monitor", enable_auto_commit=False, **arguments
        )
        self._parts.push_async_callback(client.stop, reader)
        await reader.start()
        return reader

    async def _groups_of(self, broker: int) -> list[str]:
        answer = await self._send(ListGroupsRequest(), broker)
        if answer.error_code:
            raise for_code(answer.error_code)(f"groups of broker {broker}")
        return sorted(name for name, protocol, *_ in answer.groups if protocol in {CONSUMERS, ""})

    async def _describe(self, broker: int, names: list[str]) -> dict[str, tuple[str, tuple[Member, ...]]]:
        answer = await self._send(DescribeGroupsRequest(groups=names, include_authorized_operations=False), broker)
        return {
            name: (state, tuple(_member(*member) for member in members))
            for code, name, state, _, _, members, *_ in answer.groups
            if not code
        }

    async def _offsets(self, broker: int, group: str) -> dict[Partition, int] | KafkaError:
        try:
            answer = await self._send(OffsetFetchRequest(group, None), broker)
            if code := getattr(answer, "error_code", 0):
                return for_code(code)(group)
        except KafkaError as error:
            return error
        return {
            Partition(topic, number): offset
            for topic, partitions in answer.topics
            for number, offset, _, code in partitions
            if not code and offset >= 0
        }

    async def _ends(self, partitions: Iterable[Partition]) -> dict[Partition, Ends]:
        wanted = {partition: TopicPartition(*partition) for partition in partitions}
        if not wanted:
            return {}
        low, end, high = await asyncio.gather(
            self._uncommitted.beginning_offsets(wanted.values()),
            self._committed.end_offsets(wanted.values()),
            self._uncommitted.end_offsets(wanted.values()),
        )
        return {partition: Ends(low.get(asked), end.get(asked), high.get(asked)) for partition, asked in wanted.items()}

    async def _send(self, request: Any, broker: int) -> Any:
        async with self._turns:
            return await self._admin._send_request(request, broker)  # noqa: SLF001  # nothing public names the broker


def _member(_member_id: str, client_id: str, host: str, _metadata: bytes, assignment: bytes, *_: Any) -> Member:
    assigned = ConsumerProtocolMemberAssignment.decode(assignment).assignment if assignment else ()
    partitions = frozenset(Partition(topic, number) for topic, numbers in assigned for number in numbers)
    return Member(client_id, host.lstrip("/"), partitions)
