"""Pairs -> what is said of stories, and copies for those who count."""

import pytest

from schemas.insights import FingerprintedDocument, StoryAssignment, StoryEvent, StoryLink, StoryLinks, TagCounts
from schemas.topics import HOUR_MS
from services.core.fingerprint import fingerprint
from services.insights.pairs import LATE_MS
from services.insights.settings import InsightSettings
from services.insights.stories import TellStories
from services.kafka.partitioning import partition_of
from services.kafka.records import Placed
from tests.insights.rows import KAFKA, Rows, record

SETTINGS = InsightSettings(story_window_h=10)
TEXT = fingerprint(" ".join(f"word{number}" for number in range(60)))
PARTITIONS = 4
TAGS = ("libya", "mali", "peru", "kenya")


def told(name: str, hour: int = 0) -> FingerprintedDocument:
    offset = int(name.removeprefix("d-"))
    return FingerprintedDocument(
        record=f"0/{offset}", id=name, source="test", at_ms=hour * HOUR_MS + offset, tags=TAGS, fingerprint=TEXT
    )


def links(*pairs: tuple[FingerprintedDocument, FingerprintedDocument]) -> StoryLinks:
    return StoryLinks(links=tuple(StoryLink(first=first, second=second) for first, second in pairs))


def assignments(said: list[Placed]) -> dict[str, StoryAssignment]:
    found = [StoryAssignment.model_validate_json(each.value or b"") for each in said if each.topic == "stories"]
    return {each.document_id: each for each in found}


def agent() -> tuple[TellStories, Rows]:
    rows = Rows()
    stories = TellStories(KAFKA, SETTINGS, rows, count_partitions=PARTITIONS)
    stories.remember(0, ())
    return stories, rows


def test_a_story_is_told_of_each_document_and_its_copies_to_the_partitions_of_their_tags() -> None:
    stories, rows = agent()

    said = rows.take(stories.take([record(links((told("d-1"), told("d-2"))), 0)]))

    found = assignments(said)
    assert {name: each.story_id for name, each in found.items()} == {"d-1": "d-1", "d-2": "d-1"}
    assert found["d-2"].duplicate_of == "d-1"
    assert [each.key for each in said if each.topic == "stories"] == [b"d-1", b"d-2"]
    copied = {
        (each.partition, copy.record, tag)
        for each in said
        if each.topic == "insights.tag-counts"
        for copy in TagCounts.model_validate_json(each.value or b"").copies
        for tag in copy.tags
    }
    assert copied == {(partition_of(tag.encode(), PARTITIONS), "0/2", tag) for tag in TAGS}
    assert sorted(rows.held[0]) == [b"d-1", b"d-2"]


def test_pairs_that_come_again_say_nothing_also_after_a_restart() -> None:
    stories, rows = agent()
    pairs = record(links((told("d-1"), told("d-2"))), 0)
    rows.take(stories.take([pairs]))

    assert rows.take(stories.take([pairs])) == []
    rows.restart(stories)
    assert rows.take(stories.take([pairs])) == []


def test_what_was_not_written_is_said_again() -> None:
    stories, rows = agent()
    pairs = record(links((told("d-1"), told("d-2"))), 0)
    died = stories.take([pairs])  # and nothing is done with it

    stories.remember(0, ())

    assert rows.take(stories.take([pairs])) == died.outputs


def test_two_stories_that_turn_out_to_be_one_are_merged_after_a_restart_too() -> None:
    stories, rows = agent()
    rows.take(stories.take([record(links((told("d-1"), told("d-2")), (told("d-3"), told("d-4"))), 0)]))
    rows.restart(stories)

    found = assignments(rows.take(stories.take([record(links((told("d-2"), told("d-3"))), 1)])))

    assert {name: (each.event, each.story_id, each.previous_story_id) for name, each in found.items()} == {
        "d-3": (StoryEvent.MERGED, "d-1", "d-3"),
        "d-4": (StoryEvent.MERGED, "d-1", "d-3"),
    }


def test_a_story_that_nothing_can_join_any_more_is_dropped_with_its_rows() -> None:
    stories, rows = agent()
    hour = 11 + LATE_MS // HOUR_MS
    rows.take(stories.take([record(links((told("d-1"), told("d-2"))), 0)]))
    rows.take(stories.take([record(links((told("d-3", hour), told("d-4", hour))), 1)]))
    rows.take(stories.take([record(links((told("d-5", hour), told("d-6", hour))), 2)]))

    assert sorted(rows.held[0]) == [b"d-3", b"d-4", b"d-5", b"d-6"]
    assert stories.rows == 4


@pytest.mark.parametrize("at_ms", [-1, 10**15, 10**40])
def test_pairs_of_a_time_that_is_no_date_become_a_dead_letter(at_ms: int) -> None:
    stories, rows = agent()
    far = told("d-2").model_copy(update={"at_ms": at_ms})

    (letter,) = rows.take(stories.take([record(links((told("d-1"), far)), 0)]))

    assert letter.topic == "documents.dead-letter"


def test_a_record_that_holds_no_pairs_becomes_a_dead_letter() -> None:
    stories, rows = agent()

    (letter,) = rows.take(stories.take([record(links(), 0)._replace(value=b"[]")]))

    assert letter.topic == "documents.dead-letter"
