"""A stream of documents with bursts and near duplicates: the same for the same seed."""

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Final

from schemas.documents import ClassifiedDocument
from services.core.fingerprint import fingerprint
from tests.insights.documents import NOON, document

DAYS: Final = 4
TAGS: Final = tuple(f"tag-{number}" for number in range(12))
"""As many as lead to all four partitions."""
WORDS: Final = tuple(f"w{number}" for number in range(4000))
TEXT_WORDS: Final = 120
STORIES_H: Final = 12
"""In an hour, of all tags together."""
COPIED: Final = 0.2
"""Share of the stories that others take over."""


def stream(seed: int, *, days: int = DAYS, stories_h: float = STORIES_H) -> list[ClassifiedDocument]:
    """Return documents of some days until noon in order of their time; the last ones are of every tag."""
    random = Random(seed)
    found = list(_background(random, days, stories_h))
    for number in range(3):
        found += _burst(random, f"burst-{number}", hours_before=30 - 9 * number, tag=TAGS[number * 4])
    found += [document(f"end-{tag}", at=NOON, tags=(tag,)) for tag in TAGS]
    return sorted(found, key=lambda each: (each.received_at, each.id))


def _background(random: Random, days: int, stories_h: float) -> Iterator[ClassifiedDocument]:
    at, number = NOON - timedelta(days=days), 0
    while at < NOON - timedelta(hours=2):
        at += timedelta(seconds=1 + int(random.expovariate(stories_h / 3600)))
        number += 1
        words = random.choices(WORDS, k=TEXT_WORDS)
        tags = tuple(random.sample(TAGS, 2))
        copies = random.randint(1, 4) if random.random() < COPIED else 0
        for copy in range(copies + 1):
            text = list(words)
            for _ in range(copy and random.randint(0, 3)):
                text[random.randrange(TEXT_WORDS)] = random.choice(WORDS)
            later = at + timedelta(seconds=copy * random.randint(1, 7200))
            name = f"s-{number}-{copy}"
            yield document(name, at=later, tags=tags[: 1 + copy % 2], fingerprint=fingerprint(" ".join(text)))


def _burst(random: Random, name: str, *, hours_before: int, tag: str) -> Iterator[ClassifiedDocument]:
    begin = NOON - timedelta(hours=hours_before)
    for number in range(40):
        at = begin + timedelta(seconds=random.randint(0, 3000))
        text = " ".join(random.choices(WORDS, k=TEXT_WORDS))
        yield document(f"{name}-{number}", at=at, tags=(tag,), fingerprint=fingerprint(text))
