"""Text and a list of phrases -> every place where one stands: one Aho-Corasick pass, whatever the number of phrases."""

import re
from collections.abc import Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, MatchKind

ANY_ENDING: Final = "*"
"""At a phrase's end: any ending of its last word."""

# One character to one character, so that offsets in the folded text are offsets in the text.
_SETTLED_ASCII: Final = tuple(zip("`\n\r\t", "'   ", strict=True))
_SETTLED: Final = tuple(zip("‘’ʼ´“”«»„‐‑‒–—−\u00a0\u2009\u202f", '\'\'\'\'"""""------   ', strict=True))
_WORD_TAIL: Final = re.compile(r"[^\W_]*")

_ASCII: Final = bytes(range(128))

Match = tuple[int, int, int]
"""Index of a phrase, and where it stands: start and end in code points. Plain, for there are hundreds in a document."""


def fold(text: str) -> str:
    """
    Return the text in lower case with plain quotes, hyphens and blanks, of the same length.

    A character whose lower case is longer than one code point (`İ`) stays as it is.
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    # Each `replace` is one quick search; `translate` looks every character up and takes ten times as long.
    for odd, plain in _SETTLED_ASCII:
        lowered = lowered.replace(odd, plain)
    if others := beyond_ascii(lowered):
        for odd, plain in _SETTLED:
            if odd in others:
                lowered = lowered.replace(odd, plain)
    return lowered


class PhraseMatcher:
    """Finds whole-word occurrences of phrases in folded text. Immutable once made."""

    def __init__(self, phrases: Sequence[str]) -> None:
        """Phrases need no folding and may end in `*`; an empty one raises ValueError."""
        folded = [fold(phrase) for phrase in phrases]
        self._open_ended = [phrase.endswith(ANY_ENDING) for phrase in folded]
        bare = [phrase.removesuffix(ANY_ENDING) for phrase in folded]
        self._automaton = AhoCorasick(bare, matchkind=MatchKind.Standard) if bare else None

    def find(self, folded: str) -> list[Match]:
        """
        Return every match in a text that went through `fold`, overlapping ones too, in order of their ends.

        A match begins and ends at a word's border; with `*` its end is moved to the end of the word.
        """
        if self._automaton is None:
            return []
        matches = []
        length = len(folded)
        for phrase, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            # Two letters or digits side by side are no border. One call on both is the quickest way to ask.
            if start and folded[start - 1 : start + 1].isalnum():
                continue
            if self._open_ended[phrase]:
                tail = _WORD_TAIL.match(folded, end)
                matches.append((phrase, start, tail.end() if tail else end))
            elif end == length or not folded[end - 1 : end + 1].isalnum():
                matches.append((phrase, start, end))
        return matches


def beyond_ascii(text: str) -> str:
    """Return the characters that are not ASCII, in order."""
    if text.isascii():
        return ""
    return text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
