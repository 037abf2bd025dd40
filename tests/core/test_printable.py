"""What strangers write cannot rule the terminal it is printed on."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from services.core.printable import plain


def test_escape_sequences_and_line_breaks_are_gone() -> None:
    assert plain("a\x1b]0;owned\x07\nb\u202ec\x9b") == "a]0;owned bc"


@given(st.text())
def test_it_is_one_line_without_controls_and_stays_so(text: str) -> None:
    shown = plain(text)

    assert not any(unicodedata.category(char)[0] == "C" for char in shown)
    assert "\n" not in shown
    assert plain(shown) == shown
