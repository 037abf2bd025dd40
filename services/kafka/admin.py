"""Topics as they should be -> created where missing, compared where they exist."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from schemas.topics import Topic
from services.kafka import client
from services.kafka.settings import KafkaSettings

REPLICATION: Final = 3
"""Copies of each partition where nobody says otherwise and the cluster has as many brokers. aiokafka cannot ask for the
cluster's own default."""


class TopicError(Exception):
    """A topic could not be created; the message names it and gives the broker's reason."""


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What a look at one topic found. `name` is the one on the broker."""

    name: str
    exists: bool
    differences: tuple[str, ...] = ()
    """One sentence each: what is there and what was expected."""


@asynccontextmanager
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give a started admin client. A cluster that cannot be reached raises `aiokafka.errors.KafkaError`."""
    connection = client.admin_client(settings)
    try:
        await connection.start()
        yield connection
    finally:
        await connection.close()


async def missing_topics(settings: KafkaSettings, topics: Sequence[Topic]) -> list[str]:
    """Return the names of those that are not there. Unlike a comparison it needs no right to read configurations."""
    async with admin(settings) as connection:
        present = set(await connection.list_topics())
    return [name for name in map(settings.topic, topics) if name not in present]


async def partition_counts(settings: KafkaSettings, topics: Sequence[Topic]) -> dict[str, int]:
    """Return how many partitions each of those has that are there, by its name without the prefix."""
    async with admin(settings) as connection:
        present = {described["topic"]: described for described in await connection.describe_topics()}
    return {
        topic.name: len(present[settings.topic(topic)]["partitions"])
        for topic in topics
        if settings.topic(topic) in present
    }


async def cluster_id(settings: KafkaSettings) -> str:
    """Return the cluster's own name."""
    async with admin(settings) as connection:
        return str((await connection.describe_cluster())["cluster_id"])


async def compare_topics(
    settings: KafkaSettings, topics: Sequence[Topic], *, partitions: int | None = None
) -> list[TopicReport]:
    """Return a report for each topic. Of partitions, the number is an installation's choice: compared when given."""
    async with admin(settings) as connection:
        present = {described["topic"]: described for described in await connection.describe_topics()}
        existing = [settings.topic(topic) for topic in topics if settings.topic(topic) in present]
        configs = await _configs(connection, existing)
    reports = []
    for topic in topics:
        name = settings.topic(topic)
        if name not in present:
            reports.append(TopicReport(name, exists=False))
            continue
        wanted = {"partitions": str(topic.partitions_of(partitions))} if partitions or topic.partitions == 1 else {}
        expected = {**wanted, **topic.configuration}
        found = {"partitions": str(len(present[name]["partitions"])), **configs[name]}
        differences = tuple(
            f"{key} is {found.get(key, 'not known')}, expected {value}"
            for key, value in expected.items()
            if found.get(key) != value
        )
        reports.append(TopicReport(name, exists=True, differences=differences))
    return reports


async def create_topics(
    settings: KafkaSettings,
    topics: Sequence[Topic],
    *,
    partitions: int | None = None,
    replication: int | None = None,
) -> list[str]:
    """
    Create what is missing and return its names; what exists is left as it is.

    `replication` None: three copies, or as many as there are brokers.
    Raises TopicError when the broker refuses one.
    """
    missing = [
        topic
        for topic, report in zip(topics, await compare_topics(settings, topics, partitions=partitions), strict=True)
        if not report.exists
    ]
    if not missing:
        return []
    async with admin(settings) as connection:
        copies = replication or min(REPLICATION, len((await connection.describe_cluster())["brokers"]))
        new = [
            NewTopic(settings.topic(topic), topic.partitions_of(partitions), copies, topic_configs=topic.configuration)
            for topic in missing
        ]
        answer = await connection.create_topics(new)
    created = []
    for name, code, *details in answer.topic_errors:
        error = for_code(code)
        if error not in {NoError, TopicAlreadyExistsError}:
            reason = (details and details[0]) or error.description or error.__name__
            raise TopicError(f"topic {name} could not be created: {reason}")
        if error is NoError:
            created.append(name)
    return created


async def _configs(connection: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return topic -> name -> value of its configuration."""
    if not names:
        return {}
    answers = await connection.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    configs: dict[str, dict[str, str]] = {}
    for answer in answers:
        resource: Any
        for resource in answer.resources:
            code, message, _, name, entries = resource
            if for_code(code) is not NoError:
                raise KafkaError(f"configuration of {name}: {message or for_code(code).__name__}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return configs
