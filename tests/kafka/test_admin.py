"""Topics as they should be, on a real broker."""

from dataclasses import replace

import pytest

from schemas.topics import CLASSIFIED, RAW, STORY_LINKS, TAG_COUNTS, all_topics
from services.kafka.admin import TopicError, compare_topics, create_topics, partition_counts
from services.kafka.settings import KafkaSettings

TOPICS = all_topics(["libya"])


@pytest.fixture
def settings(kafka: str, prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)


async def test_what_is_missing_is_created_once_and_as_the_list_says(settings: KafkaSettings) -> None:
    before = await compare_topics(settings, TOPICS)
    created = await create_topics(settings, TOPICS, partitions=2)
    again = await create_topics(settings, TOPICS, partitions=2)
    after = await compare_topics(settings, TOPICS, partitions=2)

    assert [report.exists for report in before] == [False] * len(TOPICS)
    assert created == [settings.topic(topic) for topic in TOPICS]
    assert again == []
    assert [(report.exists, report.differences) for report in after] == [(True, ())] * len(TOPICS)


async def test_what_differs_is_told_and_left_as_it_is(settings: KafkaSettings) -> None:
    await create_topics(settings, [replace(RAW, retention_ms=1000)], partitions=1)

    created = await create_topics(settings, [RAW], partitions=4)
    (report,) = await compare_topics(settings, [RAW], partitions=4)

    assert created == []
    assert report.differences == (
        "partitions is 1, expected 4",
        f"retention.ms is 1000, expected {RAW.retention_ms}",
    )


async def test_a_topic_that_the_broker_refuses_is_named_with_the_reason(settings: KafkaSettings) -> None:
    with pytest.raises(TopicError, match=r"no name.*could not be created"):
        await create_topics(settings, [replace(CLASSIFIED, name="no name")])


async def test_a_topic_that_needs_one_order_has_one_partition_whatever_the_others_have(settings: KafkaSettings) -> None:
    topics = [STORY_LINKS, TAG_COUNTS]

    await create_topics(settings, topics, partitions=3)

    assert await partition_counts(settings, [*topics, RAW]) == {STORY_LINKS.name: 1, TAG_COUNTS.name: 3}
    assert [report.differences for report in await compare_topics(settings, topics, partitions=3)] == [(), ()]
