import hashlib
import random
import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.copies import original, reports
from services.core.fingerprint import (
    BANDS,
    FEWEST_SHINGLES,
    PERMUTATIONS,
    bands,
    content_hash,
    fingerprint,
    id_band,
    signature,
    signature_similarity,
    similarity,
)
from services.core.shingles import MAX_CHARS, jaccard

TEXT = original(random.Random(1))
WORDS = [f"w{number}" for number in range(2_000)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("Libya", "A raid."), ("LIBYA", "a RAID."), id="case does not matter"),
        pytest.param(("Libya", "A raid.\n\nIt failed."), (" Libya ", "A raid. It\u00a0failed.\n"), id="nor do blanks"),
        pytest.param((None, "A raid."), ("", "A raid."), id="a missing title is an empty one"),
    ],
)
def test_copies_have_one_hash(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    assert content_hash(*one) == content_hash(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("Libya", "A raid."), ("Libya", "Two raids."), id="another text"),
        pytest.param(("Libya", "A raid."), ("Syria", "A raid."), id="another title"),
        pytest.param(("Libya a", "raid."), ("Libya", "a raid."), id="the title ends somewhere else"),
    ],
)
def test_different_documents_have_different_hashes(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert content_hash(*one) != content_hash(*other)


@given(st.none() | st.text(), st.text(st.characters()))
def test_every_text_has_a_hash(title: str | None, text: str) -> None:
    assert re.fullmatch("[0-9a-f]{64}", content_hash(title, text))


def test_a_lone_surrogate_is_hashed() -> None:
    assert content_hash(None, "\ud800") != content_hash(None, "")


def _fingerprint(text: str) -> str:
    found = fingerprint(text)
    assert found is not None
    return found


def _words(first: int, last: int) -> str:
    return " ".join(WORDS[first:last])


def test_a_fingerprint_is_the_same_on_every_machine() -> None:
    found = _fingerprint(_words(0, 300))
    assert (len(found), found[:32]) == (564, "mh1:TkAhX5tWU7Ef2VrZmqqtNyp2ALe/")
    assert (
        hashlib.sha256(found.encode()).hexdigest() == "9a81f33b85fb0ed1725ade4d10fcd1c154b392c94749b65eda6c92fa6f679b24"
    )
    assert bands(found)[:2] == (1312825695, 2606126001)
    assert id_band("https://example.org/1") == 148286649870955


@pytest.mark.parametrize("count", [FEWEST_SHINGLES + 2, 100, 1_000])
@pytest.mark.parametrize("common", [0.3, 0.5, 0.8, 0.95])
def test_similarity_estimates_jaccard(count: int, common: float) -> None:
    fewer = round(count * common)
    one, other = _words(0, count), _words(0, fewer) + " " + _words(1_000, 1_000 + count - fewer)
    exact = jaccard(one, other)
    five_errors = 5 * (exact * (1 - exact) / PERMUTATIONS) ** 0.5 + 0.01
    assert similarity(_fingerprint(one), _fingerprint(other)) == pytest.approx(exact, abs=five_errors)


def test_near_duplicates_are_found_as_exact_comparison_finds_them() -> None:
    texts = defaultdict(list)
    for report in reports(600, seed=3):
        texts[report.story].append(report.text)
    told = [pair for printed in texts.values() for pair in combinations(printed, 2)]
    pairs = [(jaccard(one, other), _fingerprint(one), _fingerprint(other)) for one, other in told]
    near = {at for at, (exact, _, _) in enumerate(pairs) if exact >= 0.8}
    found = {at for at, (_, one, other) in enumerate(pairs) if similarity(one, other) >= 0.8}
    candidates = {at for at, (_, one, other) in enumerate(pairs) if set(bands(one)) & set(bands(other))}
    assert len(near) > 1_000
    assert sum(0.75 <= exact < 0.8 for exact, _, _ in pairs) > 100 < sum(0.8 <= exact < 0.85 for exact, _, _ in pairs)
    assert len(near & found) >= 0.98 * len(found)
    assert len(near & found) >= 0.97 * len(near)
    assert len(near & candidates) >= 0.99 * len(near)


def test_unrelated_texts_are_not_alike_and_share_no_band() -> None:
    chance = random.Random(2)
    prints = [_fingerprint(original(chance)) for _ in range(60)]
    assert max(similarity(one, other) for one, other in combinations(prints, 2)) < 0.1
    assert not any(set(bands(one)) & set(bands(other)) for one, other in combinations(prints, 2))


def test_the_contract_tells_how_to_compare_them() -> None:
    contract = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", contract, re.DOTALL) if "def similarity" in block)
    told: dict[str, Any] = {}
    exec(code, told)
    one, other = _fingerprint(_words(0, 300)), _fingerprint(_words(50, 300))
    assert told["similarity"](one, other) == pytest.approx(similarity(one, other))
    assert told["similarity"](one, other.replace("mh1", "mh2")) == 0


def test_equal_texts_share_all_bands() -> None:
    assert bands(_fingerprint(TEXT)) == bands(_fingerprint(TEXT.upper()))
    assert similarity(_fingerprint(TEXT), _fingerprint(TEXT.upper())) == 1
    assert len(set(bands(_fingerprint(TEXT)))) == BANDS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Police arrest three after raid on farm near Sirte", id="a headline"),
        pytest.param("a " * 100_000, id="one word for ever"),
        pytest.param("one two three four five " * 5_000, id="a few words for ever"),
        pytest.param("!" * 10_000, id="no words"),
        pytest.param("哈" * 10_000, id="one character for ever"),
        pytest.param(_words(0, FEWEST_SHINGLES + 1), id="one shingle too few"),
    ],
)
def test_a_text_that_tells_too_little_has_none(text: str) -> None:
    assert fingerprint(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_words(0, FEWEST_SHINGLES + 2), id="just enough"),
        pytest.param("a b " * 1_000 + _words(0, 40), id="repeats itself first"),
        pytest.param("部队星期五在苏尔特附近搜查了两个农场没有发现任何人", id="Chinese"),
        pytest.param("\ud800 " + _words(0, 40), id="a lone surrogate"),
    ],
)
def test_a_text_that_tells_enough_has_one(text: str) -> None:
    assert re.fullmatch(r"mh1:[A-Za-z0-9+/]{560}", _fingerprint(text))


def test_a_huge_text_is_compared_by_its_beginning() -> None:
    text = " ".join(map(str, range(MAX_CHARS)))
    assert fingerprint(text) == fingerprint(text[:MAX_CHARS])


@given(st.text(st.characters()))
def test_no_text_is_too_strange(text: str) -> None:
    found = fingerprint(text)
    assert found is None or similarity(found, found) == 1


def test_fingerprints_of_different_kinds_are_not_compared() -> None:
    ours = _fingerprint(TEXT)
    theirs = ours.replace("mh1:", "mh2:")
    assert (similarity(ours, theirs), similarity(theirs, theirs)) == (0, 0)
    assert (signature(theirs), bands(theirs)) == (None, ())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param("ff00", "expected a fingerprint such as mh1:", id="no kind"),
        pytest.param("mh1:%%%%", "mh1:%%%%", id="no base64"),
        pytest.param("mh1:AAAA", "holds 3 bytes, expected 420", id="too short"),
    ],
)
def test_what_is_no_fingerprint_is_told(wrong: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        bands(wrong)
    with pytest.raises(ValueError, match=re.escape(message)):
        similarity(wrong, _fingerprint(TEXT))


@given(st.integers(0, 2 ** (3 * PERMUTATIONS) - 1), st.integers(0, 2 ** (3 * PERMUTATIONS) - 1))
def test_similarity_of_signatures_is_a_share_and_symmetric(one: int, other: int) -> None:
    assert 0 <= signature_similarity(one, other) == signature_similarity(other, one) <= 1


@given(st.text(st.characters(), min_size=1))
def test_the_band_of_an_id_is_none_of_a_text_and_exact_in_every_json(document_id: str) -> None:
    assert 2**32 <= id_band(document_id) < 2**53
