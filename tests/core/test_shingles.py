import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.shingles import CHARACTERS, MAX_CHARS, WORDS, jaccard, shingles

SENTENCE = "Soldiers of the coalition searched two farms near Sirte on Friday"
CHINESE = "部队星期五在苏尔特附近搜查了两个农场没有发现任何人"
THAI = "ทหารค้นฟาร์มสองแห่งใกล้เมืองเซอร์เตเมื่อวันศุกร์"


def test_a_shingle_is_three_words() -> None:
    assert shingles("Two farms, near Sirte!") == [b"two farms near", b"farms near sirte"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SENTENCE.upper(), id="capitals"),
        pytest.param(SENTENCE.replace(" ", "\n\n"), id="white space"),
        pytest.param(SENTENCE.replace(" ", "\u00a0"), id="blanks that do not break"),
        pytest.param(f"\u201c{SENTENCE}\u201d \u2026", id="quotation marks"),
        pytest.param(SENTENCE.replace("coalition", "'coalition'").replace("farms ", "farms \u2013 "), id="dashes"),
        pytest.param(SENTENCE + "".join(map(chr, range(0x2010, 0x2028))), id="much punctuation"),
    ],
)
def test_typography_does_not_matter(other: str) -> None:
    assert shingles(other) == shingles(SENTENCE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("don\u2019t look now", "don't look now", id="an apostrophe is one however it is set"),
        pytest.param("l\u2019état a été saisi", "L'e\u0301tat a e\u0301te\u0301 saisi", id="composed or not"),
        pytest.param("हिन्दी में समाचार", "हिन्दी, में “समाचार”", id="vowel signs belong to words"),
        pytest.param("«да», сказал он", "да сказал он", id="guillemets"),
    ],
)
def test_one_text_set_in_two_ways(one: str, other: str) -> None:
    assert shingles(one) == shingles(other) != []


def test_vowel_signs_do_not_part_words() -> None:
    assert len(shingles("हिन्दी में समाचार")) == 1


@pytest.mark.parametrize("text", [CHINESE, THAI, "ທະຫານຄົ້ນຟາມສອງແຫ່ງ", "兵士が農場を捜索した"])
def test_a_script_without_blanks_has_shingles_of_characters(text: str) -> None:
    assert shingles(text) == [text[at : at + CHARACTERS].encode() for at in range(len(text) - CHARACTERS + 1)]
    assert shingles(f"{text[:9]}。\n{text[9:]}") == shingles(text)


def test_words_and_characters_may_be_mixed() -> None:
    assert shingles(f"{SENTENCE} {CHINESE}") == shingles(SENTENCE) + shingles(CHINESE)


def test_a_name_in_another_script_changes_little() -> None:
    assert jaccard(" ".join([SENTENCE] * 2), f"{SENTENCE} 苏尔特 {SENTENCE}") == 1


@pytest.mark.parametrize("text", ["", "  \n", "Two words", "!?", "农场没有"])
def test_a_text_of_too_few_words_has_none(text: str) -> None:
    assert shingles(text) == []


def test_a_long_text_is_read_to_a_bound() -> None:
    text = " ".join(map(str, range(MAX_CHARS)))
    assert shingles(text) == shingles(text[:MAX_CHARS])


@given(st.text(st.characters()))
def test_every_text_has_no_more_shingles_than_characters(text: str) -> None:
    assert len(shingles(text)) <= 3 * len(text)  # a case folded is up to three characters


@given(st.text(), st.text())
def test_the_similarity_is_a_share_and_symmetric(one: str, other: str) -> None:
    assert jaccard(one, other) == jaccard(other, one)
    assert 0 <= jaccard(one, other) <= 1
    assert jaccard(one, one) == (1 if shingles(one) else 0)


def test_a_changed_word_changes_three_shingles() -> None:
    words = [f"w{number}" for number in range(20)]
    changed = [*words[:10], "other", *words[11:]]
    count = len(words) - WORDS + 1
    assert jaccard(" ".join(words), " ".join(changed)) == (count - WORDS) / (count + WORDS)
