"""Text and a list of phrases -> every place where one stands: by Aho-Corasick, so that their number hardly counts."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

ANY_ENDING: Final = "*"
"""At a phrase's end: any ending of its last word."""

# One character to one character, so that offsets in the folded text are offsets in the text.
_SETTLED_ASCII: Final = tuple(zip("`\n\r\t", "'   ", strict=True))
_SETTLED: Final = tuple(zip("‘’ʼ´“”«»„‐‑‒–—−\u00a0\u2009\u202f", '\'\'\'\'"""""------   ', strict=True))
_WORD_TAIL: Final = re.compile(r"[^\W_]*")

_ASCII: Final = bytes(range(128))
_LAST_LATIN: Final = "\xff"
_IN_WORD: Final = bytes(chr(byte).isalnum() for byte in range(256))
_UNSPELLED: Final = b"?"

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
    """
    Finds whole-word occurrences of phrases in folded text. Immutable once made.

    Text is searched in Latin-1, which has one byte for a character, and with the first letter of each word in upper
    case, as the phrases have it: within words the automaton then finds nothing, and need not follow. That is twice as
    quick. Phrases in other letters are searched where a text has such letters.
    """

    def __init__(self, phrases: Sequence[str]) -> None:
        """Phrases need no folding and may end in `*`; an empty one raises ValueError."""
        folded = [fold(phrase) for phrase in phrases]
        self._open_ended = [phrase.endswith(ANY_ENDING) for phrase in folded]
        bare = [phrase.removesuffix(ANY_ENDING) for phrase in folded]
        self._latin = [number for number, phrase in enumerate(bare) if max(phrase, default="") <= _LAST_LATIN]
        self._others = [number for number, phrase in enumerate(bare) if max(phrase, default="") > _LAST_LATIN]
        self._latin_automaton = BytesAhoCorasick([_spelled(bare[number]) for number in self._latin])
        self._others_automaton = AhoCorasick([bare[number] for number in self._others])
        self._other_letters = {char for number in self._others for char in bare[number] if char > _LAST_LATIN}

    def find(self, folded: str) -> list[Match]:
        """
        Return every match in a text that went through `fold`, overlapping ones too.

        A match begins and ends at a word's border; with `*` its end is moved to the end of the word.
        """
        text = _spelled(folded)
        found = self._latin_automaton.find_matches_as_indexes(text, overlapping=True)
        if _UNSPELLED not in text:
            return self._at_latin_borders(found, text)
        matches = self._at_borders(found, self._latin, folded)
        if not self._other_letters.isdisjoint(beyond_ascii(folded)):
            found = self._others_automaton.find_matches_as_indexes(folded, overlapping=True)
            matches += self._at_borders(found, self._others, folded)
        return matches

    def _at_latin_borders(self, found: Iterable[Match], text: bytes) -> list[Match]:
        """Do what `_at_borders` does, in half the time, where each byte is a character."""
        numbers, open_ended = self._latin, self._open_ended
        in_word = (text + b" ").translate(_IN_WORD)  # the blank makes a border at either end
        return [
            (phrase := numbers[index], start, in_word.find(0, end) if open_ended[phrase] else end)
            for index, start, end in found
            if not (in_word[start - 1] and in_word[start])
            and (not (in_word[end - 1] and in_word[end]) or open_ended[numbers[index]])
        ]

    def _at_borders(self, found: Iterable[Match], numbers: Sequence[int], folded: str) -> list[Match]:
        """Return what begins and ends at a word's border. Indexes into `numbers` become those of phrases."""
        matches = []
        length = len(folded)
        for index, start, end in found:
            # Two letters or digits side by side are no border. One call on both is the quickest way to ask.
            if start and folded[start - 1 : start + 1].isalnum():
                continue
            phrase = numbers[index]
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


def _spelled(folded: str) -> bytes:
    # What Latin-1 lacks becomes `?`, so a question mark becomes something else, lest a phrase that has one match it.
    return folded.replace("?", "\x1a").encode("latin-1", "replace").title()
