"""The generated stream keeps what it promises: the same bytes, tags that are really given, and a truth that is true."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from schemas.documents import RawDocument
from services.feed.generated import DAY, HOUR, Generated, Shape, Version, generated
from services.feed.generated_texts import Subject, corrected, report, rewritten, subjects, syndicated
from services.worker.flow import Resources, load_resources, process

END = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def stream() -> Generated:
    return generated(seed=1, end=END, days=20, per_day=100, bursts=4, waves=3)


@pytest.fixture(scope="module")
def resources() -> Resources:
    return load_resources()


def by_version(stream: Generated) -> dict[Version, RawDocument]:
    return {Version(document.id or "", document.version): document for document in stream.documents}


def published(document: RawDocument) -> datetime:
    assert document.published_at is not None
    return document.published_at


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return set(zip(words, words[1:], words[2:], strict=False))


def jaccard(one: str, other: str) -> float:
    ours, theirs = shingles(one), shingles(other)
    return len(ours & theirs) / len(ours | theirs)


def test_the_same_arguments_give_the_same_bytes() -> None:
    again = [generated(seed=7, end=END, days=4, per_day=30) for _ in range(2)]
    other = generated(seed=8, end=END, days=4, per_day=30)

    assert [each.model_dump_json() for each in again[0].documents] == [
        each.model_dump_json() for each in again[1].documents
    ]
    assert again[0] == again[1]
    assert other.documents != again[0].documents


def test_documents_fill_the_days_in_order_and_tell_their_second(stream: Generated) -> None:
    times = [published(document) for document in stream.documents]

    assert times == sorted(times)
    assert END - 20 * DAY <= times[0] < END - 19 * DAY
    assert END - HOUR < times[-1] <= END
    assert not any(time.microsecond or time.time() == datetime.min.time() for time in times)


def test_every_record_is_another_one(stream: Generated) -> None:
    assert len(by_version(stream)) == len(stream.documents)


def test_days_and_weeks_have_their_rhythm() -> None:
    calm = generated(seed=1, end=END.replace(hour=0, minute=0), days=14, per_day=300, bursts=0, waves=0)
    hours = Counter(published(document).hour for document in calm.documents)
    days = Counter(published(document).weekday() < 5 for document in calm.documents)

    assert sum(hours[hour] for hour in range(8, 16)) > 3 * sum(hours[hour] for hour in range(8))
    assert days[True] / 5 > 1.3 * days[False] / 2


def test_bursts_and_waves_are_apart_and_in_the_later_half(stream: Generated) -> None:
    assert len(stream.bursts) == 4
    assert len(stream.waves) == 3
    bursts = [(each.tag, each.start, each.end) for each in stream.bursts]
    taken = sorted([*bursts, *((each.tag, each.start, each.end) for each in stream.waves)])
    assert all(one[0] != other[0] or one[2] + DAY / 2 < other[1] for one, other in pairwise(taken))
    assert all(END - 10 * DAY <= start < end <= END for _, start, end in taken)


def test_the_last_burst_goes_on(stream: Generated) -> None:
    last = stream.bursts[-1]

    assert (last.tag, last.shape, last.end) == ("libya", Shape.SLOW, END)
    assert last.reports >= 20


def test_stories_are_copies_and_corrections_of_their_first_record(stream: Generated) -> None:
    documents = by_version(stream)
    assert len(stream.stories) > 100
    for story in stream.stories:
        first, *others = story.records
        assert len(others) > 0
        for other in others:
            assert published(documents[other]) >= published(documents[first])
            if other.number > 1:
                assert other.id == first.id
            else:
                assert jaccard(documents[other].body or "", documents[first].body or "") >= 0.8
    assert any(version.number == 2 for story in stream.stories for version in story.records)


def test_what_is_no_story_is_not_alike(stream: Generated) -> None:
    documents = by_version(stream)
    copies = {record for story in stream.stories for record in story.records[1:]}
    singles = [document.body or "" for version, document in documents.items() if version not in copies]

    assert len(stream.rewrites) > 20
    for one, other in stream.rewrites:
        assert 0.15 < jaccard(documents[one].body or "", documents[other].body or "") < 0.75
    chance = random.Random(1)
    assert max(jaccard(*chance.sample(singles, 2)) for _ in range(5000)) < 0.75


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.tag)
def test_reports_earn_the_tag_of_their_subject_and_of_no_other(subject: Subject, resources: Resources) -> None:
    chance = random.Random(5)
    tags = {each.tag for each in subjects()}
    texts = [report(subject, chance) for _ in range(40)]
    texts += [edit(text, chance) for text in texts[:10] for edit in (syndicated, corrected, rewritten)]

    for number, text in enumerate(texts):
        raw = RawDocument(id=str(number), source="tests", title=text.title, body=text.text)
        found = process(raw, resources, received_at=END)
        assert {tag.id for tag in found.tags} & tags == {subject.tag}
        assert found.language == "en"


def test_a_wave_is_one_report(stream: Generated) -> None:
    sizes = Counter(len(story.records) - 1 for story in stream.stories)

    assert all(sizes[wave.copies] >= 1 for wave in stream.waves)


def test_a_stream_with_nothing_going_on() -> None:
    calm = generated(seed=1, end=END, days=3, per_day=20, bursts=0, waves=0)

    assert not calm.bursts
    assert not calm.waves


def test_where_there_is_no_room_for_so_many_bursts_it_says_so() -> None:
    with pytest.raises(ValueError, match="there is no room for so many bursts and waves"):
        generated(seed=1, end=END, days=2, per_day=10, bursts=100)


@pytest.mark.parametrize("hour", range(0, 24, 6))
def test_the_stream_of_the_demo_has_some_hundreds_of_documents_at_any_time_of_day(hour: int) -> None:
    found = generated(seed=1, end=END + timedelta(hours=hour))

    assert 500 < len(found.documents) < 1000
