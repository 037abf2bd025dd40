import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.fingerprint import content_hash


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
