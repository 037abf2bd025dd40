"""What is kept of what insights say: the last word of each key, for as long as the topics keep it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import Model
from schemas.insights import StoryEvent, TrendEvent
from schemas.topics import STORIES, TAG_HISTORY, TRENDS, Topic
from services.insights import kept as module
from services.insights.kept import Kept
from services.kafka.records import Record
from tests.insights.records import NOON, WINDOW_S, assigned, bursting, history, record, trend

HOUR = timedelta(hours=1)


def told(*said: Model, **options: int) -> Kept:
    kept = Kept(**options)
    for each in said:
        kept.take(*record(each))
    return kept


def take_back(kept: Kept, topic: Topic, key: str) -> None:
    kept.take(topic, Record(topic.name, 0, 0, 0, key.encode(), None))


def test_the_most_surprising_burst_comes_first() -> None:
    kept = told(bursting("libya", score=4.0), history("economy"), bursting("terrorism", score=12.0))

    assert [each.tag for each in kept.bursting()] == ["terrorism", "libya"]


def test_what_was_said_last_of_a_tag_holds() -> None:
    kept = told(bursting("libya"), history("libya"))

    assert kept.bursting() == []
    assert kept.history("libya") == history("libya")
    assert kept.history("economy") is None


def test_a_burst_of_which_nothing_is_heard_for_a_window_is_no_longer_told() -> None:
    just, gone = NOON + timedelta(seconds=WINDOW_S - 1), NOON + timedelta(seconds=WINDOW_S)

    assert told(bursting("libya"), history("economy", at=just)).bursting() == [bursting("libya")]
    assert told(bursting("libya"), history("economy", at=gone)).bursting() == []


def test_a_burst_that_is_over_is_not_told_as_one_that_goes_on() -> None:
    assert told(history("libya", burst=trend("libya", event=TrendEvent.ENDED))).bursting() == []


def test_of_each_burst_the_last_event_is_kept() -> None:
    before = trend("libya", started_at=NOON - 24 * HOUR, event=TrendEvent.ENDED)
    ended = trend("libya", event=TrendEvent.ENDED, at=NOON + HOUR)
    kept = told(trend("libya", event=TrendEvent.STARTED), before, trend("libya"), ended)

    assert kept.bursts("libya") == [ended, before]
    assert kept.ended(10) == [ended, before]
    assert kept.ended(1) == [ended]
    assert kept.bursts("economy") == []


def test_a_burst_that_was_withdrawn_has_not_ended() -> None:
    withdrawn = trend("libya", event=TrendEvent.WITHDRAWN)
    kept = told(trend("libya"), withdrawn)

    assert kept.bursts("libya") == [withdrawn]
    assert kept.ended(10) == []


def test_a_story_has_its_documents_in_time_order() -> None:
    kept = told(
        assigned("b", "a", minutes=5, duplicate_of="a", documents=3),
        assigned("a", "a", documents=2),
        assigned("c", "a", minutes=3, documents=3),
    )

    story = kept.story("b")

    assert story == kept.story("a") == kept.story("c")
    assert story is not None
    assert [member.document_id for member in story.members] == ["a", "c", "b"]
    assert (story.id, story.documents, story.at) == ("a", 3, NOON + timedelta(minutes=5))
    assert kept.story("elsewhere") is None


def test_a_merge_moves_a_document_to_the_other_story() -> None:
    kept = told(assigned("a", "a"), assigned("b", "b"), assigned("c", "b"))

    for document_id in ("b", "c"):
        moved = assigned(document_id, "a", event=StoryEvent.MERGED, previous_story_id="b", documents=3)
        kept.take(*record(moved))

    (story,) = kept.stories(10)
    assert {member.document_id for member in story.members} == {"a", "b", "c"}
    assert (kept.story_count, kept.document_count) == (1, 3)


def test_a_story_says_how_many_it_has_beyond_those_that_are_kept() -> None:
    (story,) = told(assigned("b", "a", documents=9)).stories(10)

    assert (len(story.members), story.documents) == (1, 9)


def test_the_largest_stories_come_first_and_of_equal_ones_the_latest() -> None:
    kept = told(
        *(assigned(f"large-{n}", "large-0", documents=3) for n in range(3)),
        *(assigned(f"early-{n}", "early-0", minutes=n) for n in range(2)),
        *(assigned(f"late-{n}", "late-0", minutes=n + 30) for n in range(2)),
    )

    assert [story.id for story in kept.stories(10)] == ["large-0", "late-0", "early-0"]
    assert [story.id for story in kept.stories(2)] == ["large-0", "late-0"]


def test_a_null_value_takes_back_what_was_said() -> None:
    kept = told(bursting("libya"), trend("libya"), assigned("a", "a"))

    for topic, key in ((TAG_HISTORY, "libya"), (TRENDS, "libya"), (STORIES, "a")):
        take_back(kept, topic, key)
        take_back(kept, topic, "nobody")

    assert (kept.tags, kept.bursts("libya"), kept.ended(9), kept.story_count, kept.at) == (0, [], [], 0, None)
    assert kept.unreadable == 0


@pytest.mark.parametrize("topic", module.TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("value", [b"", b"{}", b"\xff", b'{"tag": "Not A Slug"}'])
def test_what_is_no_record_of_insights_is_counted_and_stepped_over(topic: Topic, value: bytes) -> None:
    kept = told(bursting("libya"))

    kept.take(topic, Record(topic.name, 0, 0, 0, b"libya", value))

    assert (kept.unreadable, kept.taken) == (1, 1)
    assert [each.tag for each in kept.bursting()] == ["libya"]


def test_what_the_topics_no_longer_keep_is_forgotten() -> None:
    kept = Kept()
    for timestamp_ms in (1, 2):
        for said in (bursting(f"tag-{timestamp_ms}"), trend(f"tag-{timestamp_ms}"), assigned(f"{timestamp_ms}", "s")):
            kept.take(*record(said, timestamp_ms=timestamp_ms))

    kept.forget(STORIES.retention_ms + 2)
    assert (kept.tags, kept.document_count, len(kept.bursts("tag-1"))) == (1, 1, 1)

    kept.forget(TRENDS.retention_ms + 3)
    assert (kept.tags, kept.document_count, kept.story_count, kept.bursts("tag-2")) == (0, 0, 0, [])


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TAGS", 2)
    monkeypatch.setattr(module, "MOST_BURSTS", 2)

    kept = told(
        *(history(f"tag-{n}") for n in range(5)),
        *(trend("libya", started_at=NOON - n * HOUR) for n in range(5)),
        *(assigned(f"{n}", f"{n // 2}") for n in range(5)),
        most_documents=2,
    )

    assert (kept.tags, len(kept.bursts("libya")), kept.document_count) == (2, 2, 2)
    assert kept.story("0") is None
    assert kept.story("4") is not None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abc"))))
def test_each_document_is_of_the_one_story_that_was_said_last(said: list[tuple[str, str]]) -> None:
    kept = told(*(assigned(document_id, story_id) for document_id, story_id in said))

    last = dict(said)
    shown = {member.document_id: story.id for story in kept.stories(99) for member in story.members}
    assert shown == last
    assert (kept.document_count, kept.story_count) == (len(last), len(set(last.values())))
