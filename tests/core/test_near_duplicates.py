import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.insights import BandedDocument, StoryLink
from services.core.fingerprint import similarity
from services.core.near_duplicates import MAX_COMPARED, NEAR_DUPLICATE, NearDuplicates
from tests.core.printed import HOUR_MS, components, documents, fingerprints, link, printed, unbanded

WINDOW_MS = 2 * HOUR_MS


def _index() -> NearDuplicates:
    return NearDuplicates(window_ms=WINDOW_MS)


def _is_pair(one: BandedDocument, other: BandedDocument) -> bool:
    """Compare without an index."""
    if abs(one.at_ms - other.at_ms) > WINDOW_MS or not set(one.bands) & set(other.bands):
        return False
    if one.id == other.id:
        return True
    texts = one.fingerprint, other.fingerprint
    return None not in texts and similarity(*texts) >= NEAR_DUPLICATE  # type: ignore[arg-type]


def test_a_near_duplicate_is_paired_with_the_one_before() -> None:
    index = _index()
    first, second = printed(1, text=0, tags=("libya",)), printed(2, text=1, at_ms=HOUR_MS)
    assert index.add(first) == []
    assert index.add(second) == [link(first, second)]


def test_versions_are_paired_whatever_they_say() -> None:
    index = _index()
    index.add(printed(1, text=0, document_id="x"))
    assert index.add(printed(2, text=8, document_id="x")) != []
    assert index.add(printed(3, text=None, document_id="x")) != []


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(printed(2, text=8), id="another text"),
        pytest.param(printed(2, text=0, at_ms=WINDOW_MS + 1), id="the same text, too late"),
        pytest.param(printed(2, text=None), id="too short a text"),
    ],
)
def test_others_are_not_paired(other: BandedDocument) -> None:
    index = _index()
    index.add(printed(1, text=0))
    assert index.add(other) == []


def test_a_shared_band_alone_is_no_pair() -> None:
    index = _index()
    index.add(printed(1, text=0).model_copy(update={"bands": (7,)}))
    assert index.add(printed(2, text=8).model_copy(update={"bands": (7,)})) == []
    assert index.add(printed(3, text=None).model_copy(update={"bands": (7,)})) == []


def test_one_pair_is_enough_for_a_story_that_is_known() -> None:
    index = _index()
    for offset in range(5):
        index.add(printed(offset, text=0))
    assert len(index.add(printed(5, text=0))) == 1


def test_who_unites_two_stories_is_paired_with_both() -> None:
    index = _index()
    index.add(printed(1, text=0, document_id="x"))
    index.add(printed(2, text=8))
    found = index.add(printed(3, text=8, document_id="x"))
    assert {pair.first.record for pair in found} == {"0/1", "0/2"}


def test_fingerprints_of_another_kind_are_not_compared() -> None:
    index = _index()
    foreign = printed(1).model_copy(update={"fingerprint": fingerprints()[0].replace("mh1:", "mh9:")})
    index.add(foreign)
    assert index.add(printed(2)) == []
    (pair,) = index.add(printed(3, text=None, document_id="d1"))
    assert pair.first == unbanded(foreign).model_copy(update={"fingerprint": None})


def test_what_is_no_fingerprint_is_told_and_not_kept() -> None:
    index = _index()
    with pytest.raises(ValueError, match="expected a fingerprint"):
        index.add(printed(1).model_copy(update={"fingerprint": "ff00"}))
    assert len(index) == 0


@given(documents(), st.randoms())
def test_pairs_make_the_stories_that_exact_comparison_makes(found: list[BandedDocument], chance: random.Random) -> None:
    every = [link(one, other) for one, other in combinations(found, 2) if _is_pair(one, other)]
    shuffled = chance.sample(found, len(found))
    index = _index()
    told = [pair for document in shuffled for pair in index.add(document)]
    assert components(told) == components(every)
    assert len(told) <= len(found) - 1


@given(documents(), st.data())
def test_a_record_that_comes_again_changes_nothing_and_tells_its_pairs_again(
    found: list[BandedDocument], data: st.DataObject
) -> None:
    index, again = _index(), _index()
    told: dict[str, list[StoryLink]] = {}
    for at, document in enumerate(found):
        told[document.record] = index.add(document)
        assert again.add(document) == told[document.record]
        before = data.draw(st.sampled_from(found[: at + 1]))
        assert again.add(before) == told[before.record]
    assert len(again) == len(found)


@given(documents(), st.integers(0, 12))
def test_an_index_restored_from_stored_documents_goes_on_as_before(found: list[BandedDocument], stored: int) -> None:
    index, restored = _index(), _index()
    before = [pair for document in found[:stored] for pair in index.add(document)]
    for document in [*found[:stored], *found[:1]]:
        restored.restore(document)
    after = [pair for document in found[stored:] for pair in restored.add(document)]
    every = [link(one, other) for one, other in combinations(found, 2) if _is_pair(one, other)]
    assert components(before + after) == components(every)


def test_expired_documents_are_forgotten_and_told() -> None:
    index = _index()
    for offset, hour in enumerate((5, 1, 3)):
        index.add(printed(offset, text=0, at_ms=hour * HOUR_MS))
    assert index.expire(3 * HOUR_MS, most=10) == ["0/1"]
    assert len(index) == 2
    assert index.expire(3 * HOUR_MS, most=10) == []
    assert index.expire(0, most=1) == ["0/2"]
    assert index.expire(9 * HOUR_MS, most=10) == ["0/0"]
    assert index.add(printed(9, text=0)) == []


def test_the_pair_of_an_expired_document_is_not_told_again() -> None:
    index = _index()
    index.add(printed(1))
    later = printed(2, at_ms=HOUR_MS)
    assert len(index.add(later)) == 1
    index.expire(1, most=10)
    assert index.add(later) == []


def test_an_index_in_which_all_has_expired_holds_nothing() -> None:
    index = _index()
    for offset in range(50):
        index.add(printed(offset, text=offset % 20, at_ms=offset))
    index.expire(50, most=10)
    assert (len(index), index._kept, dict(index._by_band), index._by_time) == (0, {}, {}, [])


def test_a_band_that_thousands_share_is_compared_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0

    def count(one: int, other: int) -> float:
        nonlocal compared
        compared += 1
        return 0.0

    monkeypatch.setattr("services.core.near_duplicates.signature_similarity", count)
    index = _index()
    for offset in range(MAX_COMPARED + 50):
        index.restore(printed(offset).model_copy(update={"bands": (7, 8)}))
    compared = 0
    index.add(printed(9_999).model_copy(update={"bands": (7, 8)}))
    assert compared == MAX_COMPARED
    index.expire(1, most=0)
    assert dict(index._by_band) == {}
