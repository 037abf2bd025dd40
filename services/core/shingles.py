"""Text -> its shingles: the runs of words, or of characters, by which two texts are compared."""

import re
import unicodedata
from typing import Final

from services.core.matching import beyond_ascii

WORDS: Final = 3
"""Words of a shingle. A changed word changes three of them; in unrelated news hardly any is the same."""
CHARACTERS: Final = 6
"""Characters of a shingle, where a script sets no blanks between words: two words or three of Chinese, one of Thai."""
MAX_CHARS: Final = 100_000
"""A longer text is compared by its beginning, so that the cost is bounded."""

# Thai to Burmese, Khmer, Japanese, Chinese. Korean has blanks.
_WITHOUT_BLANKS: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U0001b000-\U0001b16f\U00020000-\U0003ffff]+"
)
_BLANKS: Final = bytes(byte if byte >= 128 or chr(byte).isalnum() else ord(" ") for byte in range(256))
_FEW: Final = 12
"""Characters that are quickest replaced one after the other, each with a search of the whole text."""


def shingles(text: str) -> list[bytes]:
    """
    Return the shingles of a text, in order and as often as they come: UTF-8, in one case, without punctuation.

    They are `WORDS` words each; where the script has no blanks, `CHARACTERS` characters. A text of fewer has none.
    """
    text = text[:MAX_CHARS]
    odd = beyond_ascii(text)
    if not odd:
        return _of_words(text.casefold())
    # Without its quotation marks and dashes most English is ASCII, whose case is quickly folded.
    settled = _without_punctuation(unicodedata.normalize("NFC", text), set(odd)).casefold()
    if not _WITHOUT_BLANKS.search(odd):
        return _of_words(settled)
    return _of_words(_WITHOUT_BLANKS.sub(" ", settled)) + _of_characters("".join(_WITHOUT_BLANKS.findall(settled)))


def jaccard(one: str, other: str) -> float:
    """Return what two texts' shingles have in common, 0 to 1: what similarities of fingerprints estimate."""
    ours, theirs = set(shingles(one)), set(shingles(other))
    return len(ours & theirs) / len(ours | theirs) if ours or theirs else 0.0


def _without_punctuation(text: str, odd: set[str]) -> str:
    # Letters, marks and numbers make words. A lone surrogate, which may come out of JSON, is kept.
    punctuation = [char for char in odd if unicodedata.category(char)[0] in "PSZ"]
    if len(punctuation) > _FEW:
        return text.translate(dict.fromkeys(map(ord, punctuation), " "))
    for char in punctuation:
        text = text.replace(char, " ")
    return text


def _of_words(text: str) -> list[bytes]:
    words = text.encode("utf-8", "surrogatepass").translate(_BLANKS).split()
    return list(map(b" ".join, zip(*(words[skipped:] for skipped in range(WORDS)), strict=False)))


def _of_characters(text: str) -> list[bytes]:
    return [text[at : at + CHARACTERS].encode() for at in range(len(text) - CHARACTERS + 1)]
