"""Hard-wrapped paragraphs are joined again; lines that were not wrapped stay apart."""

import pytest

from services.core.layout import blocks_of, ends_sentence, ends_with_full_stop, is_dense

HYPHEN = """The crews of the long-distance, deep-
sea ships had demanded higher pay for
work at night and on Sundays."""
JAPANESE = """港湾当局と乗組員の三日間にわたる協議を経て、
港は月曜日に再開した。二隻の船が燃料不足の
ため引き返した。"""
WRAPPED = """The port reopened on Monday after three
days of talks between the harbour board
and the crews, who had asked for higher
pay.
"""


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        pytest.param(WRAPPED, [" ".join(WRAPPED.split())], id="one paragraph"),
        pytest.param(f"{WRAPPED}Ships left.", [" ".join(WRAPPED.split()), "Ships left."], id="a short line ends one"),
        pytest.param(f"{WRAPPED}• Pier 4\n", [" ".join(WRAPPED.split()), "• Pier 4"], id="a bullet begins one"),
        pytest.param(HYPHEN, [HYPHEN.replace("-\n", "-").replace("\n", " ")], id="a hyphen at the end of a line"),
        pytest.param(JAPANESE, [JAPANESE.replace("\n", "")], id="japanese is joined without a blank"),
        pytest.param("Net 3 vs 2\nRevs 9 vs 8\nShares 12", ["Net 3 vs 2", "Revs 9 vs 8", "Shares 12"], id="a table"),
        pytest.param("One line.\nAnother one.\nA third.", ["One line.", "Another one.", "A third."], id="sentences"),
        pytest.param(f"Port reopens\n{'-' * 40}\n{WRAPPED}", ["Port reopens", " ".join(WRAPPED.split())], id="a rule"),
        pytest.param("One.\n* * *\nTwo.\n###", ["One.", "Two."], id="stars between parts, and an end mark"),
        pytest.param("\n \n", [], id="blank"),
    ],
)
def test_blocks(text: str, blocks: list[str]) -> None:
    assert blocks_of(text) == blocks


@pytest.mark.parametrize(
    ("block", "full_stop", "sentence"),
    [
        ("It is over.", True, True),
        ('"It is over."', True, True),
        ("港は再開した。", True, True),
        ("Is it over?", False, True),
        ("It is over", False, False),
        ("", False, False),
    ],
)
def test_how_a_block_ends(block: str, full_stop: bool, sentence: bool) -> None:
    assert (ends_with_full_stop(block), ends_sentence(block)) == (full_stop, sentence)


def test_korean_has_blanks_and_chinese_has_none() -> None:
    assert is_dense("港口于星期一重新开放")
    assert not is_dense("항구는 월요일에 다시 문을 열었다")
    assert not is_dense("The port")
