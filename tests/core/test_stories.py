import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.insights import BandedDocument, Copy, StoryAssignment, StoryEvent, StoryLink
from services.core.fingerprint import similarity
from services.core.near_duplicates import NEAR_DUPLICATE
from services.core.stories import Changes, Stories
from services.core.story import LAST_VERSIONS, MAX_COMPARED, StoryRow
from tests.core.printed import HOUR_MS, components, documents, fingerprints, link, printed

ALWAYS_MS = -(2**60)


class Stored:
    """What a process writes for changes, and what readers have of it: outputs first, then rows, then it goes on."""

    def __init__(self) -> None:
        self.stories = Stories()
        self.rows: dict[str, StoryRow] = {}
        self.said: dict[str, StoryAssignment] = {}
        """The last assignment of each document."""
        self.copies: dict[str, Copy] = {}

    def join(self, *links: StoryLink) -> Changes:
        changes = self.stories.join(links)
        self.send(changes)
        self.rows |= {row.id: row for row in changes.rows}
        self.stories.apply(changes)
        return changes

    def send(self, changes: Changes) -> None:
        self.said |= {said.document_id: said for said in changes.assignments}
        self.copies |= {copy.record: copy for copy in changes.copies}

    def crash(self, changes: Changes, written: Iterable[StoryRow]) -> None:
        """End after outputs were sent and some rows written, and start again."""
        self.send(changes)
        self.rows |= {row.id: row for row in written}
        self.stories = Stories()
        self.stories.restore(self.rows.values())

    @property
    def told(self) -> dict[str, tuple[str, str | None, float | None]]:
        """What was last said of each document, but for how it came to that."""
        return {key: (said.story_id, said.duplicate_of, said.similarity) for key, said in self.said.items()}

    @property
    def copied(self) -> dict[str, set[str]]:
        return {record: set(copy.tags) for record, copy in self.copies.items()}


def _exact(
    links: list[StoryLink],
) -> tuple[dict[str, tuple[str, str | None, float | None]], dict[str, set[str]]]:
    """Say what follows from all links at once, by comparing all with all."""
    records = {end.record: end for pair in links for end in (pair.first, pair.second)}
    of_one_id = [
        StoryLink(first=one, second=other)
        for one in records.values()
        for other in records.values()
        if one.id == other.id
    ]
    said: dict[str, tuple[str, str | None, float | None]] = {}
    copied: dict[str, set[str]] = {}
    for component in components(links + of_one_id):
        members = sorted(
            (records[key] for key in component), key=lambda told: (told.at_ms, told.id, _offset(told.record))
        )
        last = {told.id: told for told in sorted(members, key=lambda told: _offset(told.record))}
        in_order = list(dict.fromkeys(told.id for told in members))
        for place, document_id in enumerate(in_order):
            ours = last[document_id].fingerprint
            alike = ((other, last[other].fingerprint) for other in in_order[:place])
            compared = ((other, similarity(ours, text)) for other, text in alike if ours and text)
            found = next(((other, round(much, 4)) for other, much in compared if much >= NEAR_DUPLICATE), (None, None))
            if len(in_order) > 1:
                said[document_id] = (in_order[0], *found)
        for place, told in enumerate(members):
            earlier = {tag for other in members[:place] for tag in other.tags}
            if earlier & set(told.tags):
                copied[told.record] = earlier & set(told.tags)
    return said, copied


def _offset(record: str) -> int:
    return int(record.partition("/")[2])


@st.composite
def _links(draw: st.DrawFn) -> list[StoryLink]:
    found = draw(documents())
    ends = st.tuples(st.sampled_from(found), st.sampled_from(found))
    return [link(*pair) for pair in draw(st.lists(ends, max_size=14)) if pair[0].record != pair[1].record]


def _batches(links: list[StoryLink], chance: random.Random) -> list[list[StoryLink]]:
    cuts = sorted(chance.randrange(len(links) + 1) for _ in range(3))
    return [links[start:end] for start, end in pairwise([0, *cuts, len(links)])]


def test_a_pair_is_a_story() -> None:
    stored = Stored()
    first = printed(1, at_ms=HOUR_MS, tags=("libya",))
    second = printed(2, text=1, at_ms=2 * HOUR_MS, tags=("libya", "peru"))
    changes = stored.join(link(second, first))
    head, other = changes.assignments
    assert (head.document_id, head.event, head.story_id, head.duplicate_of) == ("d1", StoryEvent.JOINED, "d1", None)
    assert (other.document_id, other.event, other.story_id, other.duplicate_of) == ("d2", StoryEvent.JOINED, "d1", "d1")
    assert other.similarity == pytest.approx(similarity(*fingerprints()[:2]), abs=1e-4)
    assert (other.documents, other.title, other.source, other.at.isoformat()) == (
        2, "Title 2", "tests", "1970-01-01T02:00:00+00:00",
    )  # fmt: skip
    assert changes.copies == (Copy(record="0/2", at_ms=2 * HOUR_MS, tags=("libya",)),)


def test_a_pair_that_is_known_says_and_writes_nothing() -> None:
    stored = Stored()
    pair = link(printed(1), printed(2))
    stored.join(pair)
    changes = stored.join(pair, link(printed(2), printed(1)))
    assert (changes.assignments, changes.copies, changes.rows) == ((), (), ())


def test_a_pair_is_said_again_until_it_is_applied() -> None:
    stories = Stories()
    pair = link(printed(1, tags=("peru",)), printed(2, tags=("peru",)))
    assert stories.join([pair]) != Changes((), (), (), ())
    again = stories.join([pair])
    assert (len(again.assignments), len(again.copies), len(again.rows)) == (2, 1, 2)
    assert len(stories) == 0


def test_two_stories_that_turn_out_to_be_one_are_merged() -> None:
    stored = Stored()
    stored.join(link(printed(1, at_ms=1), printed(2, at_ms=2)), link(printed(3, at_ms=3), printed(4, at_ms=4)))
    changes = stored.join(link(printed(4, at_ms=4), printed(2, at_ms=2)))
    assert {said.document_id: (said.event, said.story_id, said.previous_story_id) for said in changes.assignments} == {
        "d3": (StoryEvent.MERGED, "d1", "d3"),
        "d4": (StoryEvent.MERGED, "d1", "d3"),
    }


def test_an_earlier_document_that_comes_late_gives_the_story_its_id() -> None:
    stored = Stored()
    stored.join(link(printed(2, at_ms=2, tags=("peru",)), printed(3, at_ms=3, tags=("peru",))))
    changes = stored.join(link(printed(1, at_ms=1, tags=("peru",)), printed(3, at_ms=3, tags=("peru",))))
    assert {said.document_id: (said.event, said.duplicate_of) for said in changes.assignments} == {
        "d1": (StoryEvent.JOINED, None),
        "d2": (StoryEvent.MERGED, "d1"),
        "d3": (StoryEvent.MERGED, "d1"),
    }
    assert changes.copies == (Copy(record="0/2", at_ms=2, tags=("peru",)),)


def test_a_document_between_changes_what_later_ones_duplicate() -> None:
    stored = Stored()
    stored.join(link(printed(1, text=8, at_ms=1), printed(3, at_ms=3)))
    assert stored.said["d3"].duplicate_of is None
    changes = stored.join(link(printed(2, at_ms=2), printed(3, at_ms=3)))
    assert {said.document_id: (said.event, said.duplicate_of) for said in changes.assignments} == {
        "d2": (StoryEvent.JOINED, None),
        "d3": (StoryEvent.CHANGED, "d2"),
    }


def test_versions_alone_are_no_story_to_tell_of_but_copies() -> None:
    stored = Stored()
    changes = stored.join(
        link(printed(1, document_id="x", tags=("peru",)), printed(2, document_id="x", tags=("peru",)))
    )
    assert (changes.assignments, [copy.record for copy in changes.copies]) == ((), ["0/2"])


def test_versions_are_one_document_and_the_last_speaks_for_it() -> None:
    stored = Stored()
    stored.join(link(printed(1, document_id="x"), printed(2, document_id="y", at_ms=1)))
    changes = stored.join(link(printed(2, document_id="y", at_ms=1), printed(3, document_id="y", text=8, at_ms=2)))
    (said,) = changes.assignments
    assert (said.event, said.document_id, said.duplicate_of, said.documents) == (StoryEvent.CHANGED, "y", None, 2)
    assert (said.title, said.at.timestamp()) == ("Title 3", 0.001)
    changes = stored.join(
        link(printed(0, document_id="y", text=9, at_ms=5), printed(3, document_id="y", text=8, at_ms=2))
    )
    assert (changes.assignments, len(stored.rows["y"].versions)) == ((), 3)


def test_of_very_many_versions_the_last_are_kept_and_the_earliest_of_each_tag() -> None:
    stored = Stored()
    many = 4 * LAST_VERSIONS
    for number in range(1, many):
        tags = ("peru", "mali") if number == 100 else ("peru",)
        ends = (printed(at, document_id="ticker", at_ms=at, tags=tags) for at in (number - 1, number))
        stored.join(link(*ends))

    (document,) = stored.rows.values()
    records = [version.record for version in document.versions]
    assert len(records) <= LAST_VERSIONS + 4
    assert {"0/0", "0/100", f"0/{many - 1}"} <= set(records)
    assert set(stored.copied) == {f"0/{number}" for number in range(1, many)}  # each was told of, once it came


def test_what_changes_often_takes_no_more_room_than_what_does_not() -> None:
    stored = Stored()
    for number in range(1, 200):
        stored.join(link(printed(0, document_id="x", at_ms=0), printed(number, document_id="y", at_ms=number % 2)))

    assert len(stored.stories._by_earliest) == 1
    assert len(stored.stories._by_newest) <= 2


@given(_links(), st.randoms())
def test_what_is_said_in_the_end_follows_from_the_set_of_pairs(links: list[StoryLink], chance: random.Random) -> None:
    stored = Stored()
    repeated = links + chance.sample(links, chance.randrange(len(links) + 1))
    for batch in _batches(chance.sample(repeated, len(repeated)), chance):
        stored.join(*batch)
    assert (stored.told, stored.copied) == _exact(links)


@given(_links(), st.randoms())
def test_nothing_is_missed_when_a_process_ends_between_its_writes(
    links: list[StoryLink], chance: random.Random
) -> None:
    stored = Stored()
    for batch in _batches(links, chance):
        for _ in range(2):
            changes = stored.stories.join(batch)
            stored.crash(changes, chance.sample(changes.rows, chance.randrange(len(changes.rows) + 1)))
        again = chance.sample(batch, len(batch))
        for part in _batches(again, chance):
            stored.join(*part)
    assert (stored.told, stored.copied) == _exact(links)


@given(_links(), st.randoms())
def test_restored_stories_say_what_kept_ones_say(links: list[StoryLink], chance: random.Random) -> None:
    kept, stored = Stored(), Stored()
    for batch in _batches(links, chance):
        changes = kept.join(*batch)
        stored.crash(stored.stories.join(batch), ())
        restored = stored.join(*batch)
        assert set(restored.assignments) == set(changes.assignments)
        assert set(restored.copies) == set(changes.copies)
        rows = [StoryRow.model_validate_json(row.model_dump_json()) for row in stored.rows.values()]
        stored.stories = Stories()
        stored.stories.restore(chance.sample(rows, len(rows)))


def test_a_story_is_forgotten_when_its_newest_document_is_too_old() -> None:
    stored = Stored()
    stored.join(
        link(printed(1, at_ms=1), printed(2, at_ms=5)), link(printed(3, text=8, at_ms=2), printed(4, text=8, at_ms=3))
    )
    assert sorted(stored.stories.expire(4, begun_before_ms=ALWAYS_MS, most=10)) == ["d3", "d4"]
    assert len(stored.stories) == 2
    assert stored.stories.expire(5, begun_before_ms=ALWAYS_MS, most=10) == []
    assert stored.stories.expire(6, begun_before_ms=ALWAYS_MS, most=10) == ["d1", "d2"]
    assert len(stored.stories) == 0


def test_a_story_that_lives_on_is_not_forgotten() -> None:
    stored = Stored()
    stored.join(link(printed(1, at_ms=1), printed(2, at_ms=2)))
    stored.join(link(printed(2, at_ms=2), printed(3, at_ms=9)))
    assert stored.stories.expire(5, begun_before_ms=ALWAYS_MS, most=10) == []


def test_a_story_that_never_ends_begins_anew() -> None:
    stored = Stored()
    stored.join(
        link(printed(1, at_ms=1), printed(2, at_ms=8)), link(printed(3, text=8, at_ms=2), printed(4, text=8, at_ms=8))
    )
    assert stored.stories.expire(ALWAYS_MS, begun_before_ms=2, most=10) == ["d1", "d2"]
    stored.join(link(printed(0, text=8, at_ms=0), printed(4, text=8, at_ms=8)))
    assert stored.stories.expire(ALWAYS_MS, begun_before_ms=2, most=10) == ["d0", "d3", "d4"]
    changes = stored.join(link(printed(2, at_ms=8), printed(5, at_ms=9)))
    assert {said.document_id: (said.event, said.story_id) for said in changes.assignments} == {
        "d2": (StoryEvent.JOINED, "d2"),
        "d5": (StoryEvent.JOINED, "d2"),
    }
    assert stored.stories.expire(ALWAYS_MS, begun_before_ms=8, most=10) == []


def test_of_too_many_documents_the_oldest_stories_go() -> None:
    stored = Stored()
    for at in range(5):
        stored.join(link(printed(2 * at, text=at, at_ms=at), printed(2 * at + 1, text=at, at_ms=at)))
    assert stored.stories.expire(ALWAYS_MS, begun_before_ms=ALWAYS_MS, most=7) == ["d0", "d1", "d2", "d3"]


def test_rows_whose_partner_has_expired_are_restored_alone() -> None:
    stored = Stored()
    stored.join(link(printed(1), printed(2)))
    (paired,) = (row for row in stored.rows.values() if row.paired)
    stories = Stories()
    stories.restore([paired])
    assert len(stories) == 1


def test_what_is_no_fingerprint_is_told_and_changes_nothing() -> None:
    stories = Stories()
    with pytest.raises(ValueError, match="expected a fingerprint"):
        stories.join([link(printed(1), printed(2).model_copy(update={"fingerprint": "ff00"}))])
    assert len(stories) == 0


def test_a_large_story_compares_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def count(one: int, other: int) -> float:
        nonlocal compared
        compared += 1
        return 0.0

    monkeypatch.setattr("services.core.story.signature_similarity", count)
    stories = Stories()
    head = printed(0)
    stories.apply(stories.join(link(head, printed(at, at_ms=at)) for at in range(1, 3 * MAX_COMPARED)))
    compared = 0
    stories.apply(stories.join([link(head, printed(9_999, at_ms=9_999))]))
    assert compared == MAX_COMPARED


def test_what_is_pushed_out_of_the_compared_ones_is_no_original_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.core.story.MAX_COMPARED", 2)
    stored = Stored()
    head, second, third = printed(1, text=8, at_ms=1), printed(3, at_ms=3), printed(4, at_ms=4)
    stored.join(link(head, second), link(second, third))
    assert stored.said["d4"].duplicate_of == "d3"
    stored.join(link(head, printed(2, text=8, at_ms=2)))
    assert stored.said["d4"].duplicate_of is None


def test_order_of_banded_documents_is_that_of_their_partition() -> None:
    versions: list[BandedDocument] = [printed(at, document_id="x", at_ms=0) for at in (9, 10)]
    stored = Stored()
    stored.join(link(versions[1], versions[0]))
    assert [version.record for version in stored.rows["x"].versions] == ["0/9", "0/10"]
    assert stored.rows["x"].title == "Title 10"
