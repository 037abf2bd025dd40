"""What the demo says when insights do not find what was put in: it is no demo of what is not so."""

from datetime import UTC, datetime

import pytest

from services.feed.generated import Generated, generated
from services.insights.kept import Kept
from services.local.demo_insights import DAYS, PER_DAY, SEED, complaints, largest
from tests.insights.records import assigned, bursting, history, record


@pytest.fixture(scope="module")
def news() -> Generated:
    return generated(seed=SEED, end=datetime(2026, 1, 31, 12, tzinfo=UTC), days=DAYS, per_day=PER_DAY)


def largest_ids(news: Generated) -> list[str]:
    made = max(news.stories, key=lambda story: len({record.id for record in story.records}))
    return list(dict.fromkeys(version.id for version in made.records))


def test_what_was_put_in_and_found_is_no_complaint(news: Generated) -> None:
    kept, ids = Kept(), largest_ids(news)
    for said in (bursting("libya"), *(assigned(each, ids[0]) for each in ids)):
        kept.take(*record(said))

    assert complaints(kept, largest(kept, news.stories), news) == []


def test_a_burst_and_a_story_that_are_not_found_are_complained_of(news: Generated) -> None:
    kept, ids = Kept(), largest_ids(news)
    kept.take(*record(history("libya")))

    assert complaints(kept, largest(kept, news.stories), news) == [
        "expected a burst of libya, found none",
        f"expected a story of {len(ids)} documents, found 0",
    ]


def test_a_story_that_is_found_in_part_is_complained_of(news: Generated) -> None:
    kept, ids = Kept(), largest_ids(news)
    half = len(ids) // 2
    for said in (bursting("libya"), *(assigned(each, ids[0]) for each in ids[:half])):
        kept.take(*record(said))

    found = f"expected a story of {len(ids)} documents, found {half}"
    assert complaints(kept, largest(kept, news.stories), news) == [found]
