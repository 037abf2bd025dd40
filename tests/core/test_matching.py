import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.matching import PhraseMatcher, fold


@given(st.text())
def test_folding_keeps_every_offset(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("phrases", "text", "found"),
    [
        pytest.param(["ISIS"], "isis in Libya", ["isis"], id="case does not matter"),
        pytest.param(["ynet"], "Gwyneth", [], id="not inside a word"),
        pytest.param(["bomb*"], "a bombing, bombs", ["bombing", "bombs"], id="any ending"),
        pytest.param(["bomb*"], "aplomb bomb", ["bomb"], id="an open end still begins at a word"),
        pytest.param(["joint chiefs"], "Joint\nChiefs", ["Joint\nChiefs"], id="a line break is a blank"),
        pytest.param(["al-qaida"], "al‑Qaida", ["al‑Qaida"], id="any hyphen"),
        pytest.param(["people's"], "People’s", ["People’s"], id="any apostrophe"),
        pytest.param(["raid"], "raid_2014 air_raid", ["raid", "raid"], id="an underscore is a border"),
        pytest.param(["u.s."], "the U.S. and", ["U.S."], id="a phrase may end in a stop"),
        pytest.param(["raid"], "raid", ["raid"], id="whole text"),
        pytest.param([], "raid", [], id="no phrases"),
        pytest.param(["élan"], "Élan, bélan, élans", ["Élan"], id="beyond ASCII"),
        pytest.param(["raid"], "字raid, raidж, raid", ["raid"], id="other letters are no border"),
        pytest.param(["bomb*"], "bombжи, bombé", ["bombжи", "bombé"], id="an ending in other letters"),
        pytest.param(["москв*", "paris"], "Paris и Москве", ["Paris", "Москве"], id="other letters"),
        pytest.param(["why?"], "why? whyж", ["why?"], id="a question mark is no joker"),
        pytest.param(
            ["strikes", "strikes deal"], "strikes deal", ["strikes", "strikes deal"], id="overlapping ones too"
        ),
        pytest.param(["İzmir"], "in İzmir", ["İzmir"], id="a character whose lower case is longer"),
    ],
)
def test_find(phrases: list[str], text: str, found: list[str]) -> None:
    assert [text[start:end] for _, start, end in PhraseMatcher(phrases).find(fold(text))] == found


few_letters = st.text(st.sampled_from("ab1é字ж?-_ "), min_size=1, max_size=12)


@given(st.lists(few_letters, max_size=6, unique=True), few_letters)
def test_phrases_are_found_wherever_they_stand_between_borders(phrases: list[str], text: str) -> None:
    def is_border(offset: int) -> bool:
        return not text[max(0, offset - 1) : offset].isalnum() or not text[offset : offset + 1].isalnum()

    found = PhraseMatcher(phrases).find(fold(text))

    assert sorted(found) == sorted(
        (number, start, start + len(phrase))
        for number, phrase in enumerate(phrases)
        for start in range(len(text))
        if text.startswith(phrase, start) and is_border(start) and is_border(start + len(phrase))
    )


def test_an_empty_phrase_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        PhraseMatcher([""])
