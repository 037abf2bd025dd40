"""Text and a list of phrases -> every place where one stands: one Aho-Corasick pass, whatever the number of phrases."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

ANY_ENDING: Final = "*"
"""At a phrase's end: any ending of its last word."""

# One character to one character, so that offsets in the folded text are offsets in the text.
_SETTLED: Final = str.maketrans("‘’ʼ`´“”«»„‐‑‒–—−\u00a0\u2009\u202f\n\r\t", "'''''\"\"\"\"\"------      ")
_WORD_TAIL: Final = re.compile(r"\w*")


class Match(NamedTuple):
    """Where a phrase stands: code points from the start of the text."""

    phrase: int
    """Index into the phrases that the matcher was made of."""
    start: int
    end: int


def fold(text: str) -> str:
    """
    Return the text in lower case with plain quotes, hyphens and blanks, of the same length.

    A character whose lower case is longer than one code point (`İ`) stays as it is.
    """
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return lowered.translate(_SETTLED)


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
        for phrase, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if start and _is_word(folded[start - 1]) and _is_word(folded[start]):
                continue
            if self._open_ended[phrase]:
                tail = _WORD_TAIL.match(folded, end)
                matches.append(Match(phrase, start, tail.end() if tail else end))
            elif end == len(folded) or not (_is_word(folded[end]) and _is_word(folded[end - 1])):
                matches.append(Match(phrase, start, end))
        return matches


def longest(matches: Iterable[Match]) -> list[Match]:
    """Return the leftmost-longest matches that do not overlap, in reading order."""
    kept: list[Match] = []
    for match in sorted(matches, key=lambda match: (match.start, -match.end)):
        if not kept or match.start >= kept[-1].end:
            kept.append(match)
    return kept


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
