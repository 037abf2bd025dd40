"""Invented reports about a subject, and what others make of them: copies with edits, corrections, rewrites."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

TEXTS: Final = Path(__file__).parent / "data" / "generated.yaml"
SENTENCES: Final = (5, 7)
"""Of `more`, at least and at most; short reports are quickly classified."""
ASIDES: Final = (2, 3)
"""Of `anything`."""
REWRITTEN: Final = (0.3, 0.6)
"""The share of a report's sentences that a rewrite replaces, at least and at most: well below a near duplicate."""

_NAME: Final = re.compile(r"\{(\w+)\}")
_AGENCIES: Final = ("Norrland Press", "Meridian Wire", "Five Seas News", "Agence du Fleuve")


@dataclass(frozen=True, slots=True)
class Subject:
    """What reports about something are made of."""

    tag: str
    words: Mapping[str, tuple[str, ...]]
    """What reports of this subject name; one report names one of each."""
    titles: tuple[str, ...]
    opening: tuple[str, ...]
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A text in the making."""

    subject: Subject
    named: Mapping[str, str]
    """Which of the subject's words it uses."""
    title: str
    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sentences, two a paragraph."""
        pairs = (self.sentences[start : start + 2] for start in range(0, len(self.sentences), 2))
        return "\n\n".join(" ".join(pair) for pair in pairs)


@cache
def subjects() -> tuple[Subject, ...]:
    """Return what can be written about, in order of their tags."""
    return tuple(
        Subject(
            tag,
            {name: tuple(words) for name, words in parts["words"].items()},
            tuple(parts["titles"]),
            tuple(parts["opening"]),
            tuple(parts["more"]),
        )
        for tag, parts in sorted(_texts()["subjects"].items())
    )


def report(subject: Subject, chance: random.Random) -> Report:
    """Write a report. Two about the same have hardly a run of three words in common in each hundred."""
    named = {name: chance.choice(words) for name, words in subject.words.items()}
    more = chance.sample(subject.more, chance.randint(*SENTENCES))
    asides = chance.sample(_texts()["anything"], chance.randint(*ASIDES))
    patterns = (chance.choice(subject.opening), *more, *asides)
    return Report(
        subject,
        named,
        _filled(chance.choice(subject.titles), named, chance),
        tuple(_filled(pattern, named, chance) for pattern in patterns),
    )


def syndicated(original: Report, chance: random.Random) -> Report:
    """Return it as another paper prints it: a headline of its own, an agency's name, a sentence or a word less."""
    title = _filled(chance.choice(original.subject.titles), original.named, chance)
    sentences = list(original.sentences)
    if chance.random() < 0.4:
        del sentences[-1]
    elif chance.random() < 0.5:
        place = chance.randrange(1, len(sentences))
        sentences[place] = _without_a_word(sentences[place], chance)
    if chance.random() < 0.5:
        sentences[0] = f"({chance.choice(_AGENCIES)}) {sentences[0]}"
    return replace(original, title=title, sentences=tuple(sentences))


def corrected(original: Report, chance: random.Random) -> Report:
    """Return a later version: some new sentences, and the old ones in part."""
    new = [_filled(pattern, original.named, chance) for pattern in chance.sample(original.subject.more, 3)]
    kept = original.sentences[: max(2, len(original.sentences) - chance.randint(0, 4))]
    return replace(original, sentences=(*kept, *new))


def rewritten(original: Report, chance: random.Random) -> Report:
    """Return what somebody else wrote with the first report on the desk: too different to be the same story."""
    fresh = report(original.subject, chance)
    count = min(len(original.sentences) - 2, round(chance.uniform(*REWRITTEN) * len(original.sentences)))
    replaced = set(chance.sample(range(1, len(original.sentences)), count))
    sentences = tuple(
        fresh.sentences[place % len(fresh.sentences)] if place in replaced else sentence
        for place, sentence in enumerate(original.sentences)
    )
    return replace(original, title=fresh.title, sentences=sentences)


def _filled(pattern: str, named: Mapping[str, str], chance: random.Random) -> str:
    words: Mapping[str, list[str]] = _texts()["words"]
    text = _NAME.sub(lambda name: named.get(name[1]) or chance.choice(words[name[1]]), pattern)
    return text[0].upper() + text[1:]


def _without_a_word(sentence: str, chance: random.Random) -> str:
    words = sentence.split(" ")
    del words[chance.randrange(1, len(words) - 1)]
    return " ".join(words)


@cache
def _texts() -> dict[str, Any]:
    texts: dict[str, Any] = yaml.safe_load(TEXTS.read_text("utf-8"))
    return texts
