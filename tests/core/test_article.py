from hypothesis import given
from hypothesis import strategies as st

from services.core.article import gist, one_line

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from(" aB1_’\n\u00a0\u0345"), max_size=60)


@given(any_text)
def test_a_gist_is_all_letters_and_digits_in_one_case(text: str) -> None:
    assert gist(text) == "".join(char for char in text.casefold() if char.isalnum())


def test_a_gist_of_many_signs() -> None:
    assert gist("".join(map(chr, range(0x2190, 0x2200))) + "a") == "a"


@given(any_text)
def test_one_line_has_single_blanks_between_words_and_no_other_white_space(text: str) -> None:
    assert one_line(text) == " ".join(text.split())
