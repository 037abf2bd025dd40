"""A seeded stream of invented news over days, with its bursts and stories known: for the demo, tests and benchmarks."""

import calendar
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Final

from schemas.documents import MediaType, RawDocument
from services.feed.generated_texts import Report, Subject, corrected, report, rewritten, subjects, syndicated

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)

LAST_BURST: Final = "libya"
LAST_BURST_LENGTH: Final = timedelta(hours=2)
MAX_TRIES: Final = 1000

DAY_RHYTHM: Final = (3, 2, 2, 2, 3, 5, 9, 14, 17, 18, 18, 17, 16, 17, 18, 18, 17, 15, 13, 11, 9, 7, 5, 4)
"""Reports in each hour, UTC, beside one another."""
WEEKEND: Final = 0.6
"""Reports on a Saturday or Sunday, beside a weekday."""
DAY_NOISE: Final = 0.2
"""How much more or less there is of a subject from day to day: deviation of the logarithm."""
TAG_SHARES: Final = {
    "counterterrorism": 6,
    "cyber": 6,
    "disaster": 9,
    "elections": 16,
    "energy": 12,
    "epidemic": 8,
    "libya": 4,
    "sport": 30,
}
"""Ordinary reports of each subject, beside one another."""
SYNDICATED: Final = 0.12
"""The share of reports that others copy: one to four times within hours."""
CORRECTED: Final = 0.05
"""The share of reports that come again as a second version, with the same id."""
FOLLOWED: Final = 0.15
"""The share of reports that one to three others follow within hours, in words of their own: news comes in clumps."""
REWRITTEN: Final = 0.04
"""The share of reports that somebody rewrites."""
LIFT: Final = (0.8, 3.0)
"""What a burst adds to each hour, at least and at most: so many times what is usual,"""
MORE: Final = (4.0, 10.0)
"""and so many reports;"""
CLEAR: Final = 10.0
"""or so many, where the burst is for people to look at."""
SOURCES: Final = tuple(
    f"{name} {kind}"
    for name in ("Karsund", "Velmora", "Port Aster", "Old Brimley", "Tolvane", "Quillane", "Hinterlo", "Maresk")
    for kind in ("Courier", "Observer", "Evening Post", "Radio")
)


class Shape(StrEnum):
    """How a burst comes."""

    STEEP = "steep"
    """With most of its reports in its first third."""
    SLOW = "slow"
    """Rising until its end."""


@dataclass(frozen=True, slots=True)
class TrueBurst:
    """A stretch of time in which there is more of a tag, and why that is news."""

    tag: str
    start: datetime
    end: datetime
    reports: int
    """Different ones, beside the ordinary ones."""
    shape: Shape


@dataclass(frozen=True, slots=True)
class Wave:
    """One report that many papers print within hours: no burst."""

    tag: str
    start: datetime
    end: datetime
    copies: int


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A record of the stream: a document's id, and which version of it."""

    id: str
    number: int


@dataclass(frozen=True, slots=True)
class TrueStory:
    """Records that are one story: copies and corrections of a report."""

    records: tuple[Version, ...]
    """The first report, then the others."""


@dataclass(slots=True)
class Generated:
    """A stream and the truth about it."""

    documents: list[RawDocument] = field(default_factory=list)
    """By the time that they were published."""
    bursts: list[TrueBurst] = field(default_factory=list)
    waves: list[Wave] = field(default_factory=list)
    stories: list[TrueStory] = field(default_factory=list)
    """Those of several records; every other record is a story of its own."""
    rewrites: list[tuple[Version, Version]] = field(default_factory=list)
    """A report, and one that looks like it, but is not the same story."""


def generated(
    *, seed: int, end: datetime, days: int = 14, per_day: int = 30, bursts: int = 1, waves: int = 1
) -> Generated:
    """
    Return the stream of the days before `end`; the same arguments give the same bytes.

    `per_day` is the ordinary reports of a weekday, without their copies. Bursts and waves come in the later half;
    the last burst is one of `libya`, still rises at `end`, so that there is something to see at once.
    """
    stream = _Stream(random.Random(seed), f"generated-{seed}", end - days * DAY, end)
    for subject in subjects():
        share = TAG_SHARES[subject.tag] / sum(TAG_SHARES.values())
        for at in _ordinary(per_day * share, stream):
            _publish(subject, at, stream)
            if stream.chance.random() < FOLLOWED:
                for _ in range(stream.chance.randint(1, 3)):
                    _publish(subject, _later(at, 4 * HOUR, stream), stream)
    tags = [subject.tag for subject in subjects()]
    for number in range(bursts):
        is_last = number == bursts - 1
        tag = LAST_BURST if is_last else stream.chance.choice(tags)
        _burst(tag, per_day * TAG_SHARES[tag] / sum(TAG_SHARES.values()), stream, is_last=is_last)
    for _ in range(waves):
        _wave(stream.chance.choice(tags), stream)
    stream.found.documents.sort(key=lambda document: (document.published_at, document.id, document.version))
    return stream.found


@dataclass(slots=True)
class _Stream:
    """A stream in the making."""

    chance: random.Random
    name: str
    start: datetime
    end: datetime
    found: Generated = field(default_factory=Generated)
    numbers: Iterator[int] = field(default_factory=count)
    taken: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    """Tag, start and end of what must not overlap."""


def _ordinary(per_weekday: float, stream: _Stream) -> Iterator[datetime]:
    """Yield when the ordinary reports of a subject are published."""
    hour = stream.start.replace(minute=0, second=0, microsecond=0)
    noise = 1.0
    while hour < stream.end:
        if hour.hour == 0 or hour <= stream.start:
            noise = math.exp(stream.chance.gauss(0, DAY_NOISE))
        for _ in range(_poisson(_per_hour(per_weekday, hour) * noise, stream.chance)):
            at = _second(hour + stream.chance.random() * HOUR)
            if stream.start <= at < stream.end:
                yield at
        hour += HOUR


def _per_hour(per_weekday: float, at: datetime) -> float:
    """Return how many ordinary reports of a subject an hour has on average."""
    weekday = WEEKEND if at.weekday() >= calendar.SATURDAY else 1.0
    return per_weekday * weekday * DAY_RHYTHM[at.hour] / sum(DAY_RHYTHM)


def _publish(subject: Subject, at: datetime, stream: _Stream) -> None:
    """Publish a new report and what becomes of it: a story of its own, unless somebody copies or corrects it."""
    chance = stream.chance
    written = report(subject, chance)
    first = _add(written, at, stream)
    story = [first]
    if chance.random() < SYNDICATED:
        story += [_copy(written, at, 6 * HOUR, stream) for _ in range(chance.randint(1, 4))]
    if chance.random() < CORRECTED:
        later = _later(at, 3 * HOUR, stream)
        story.append(_add(corrected(written, chance), later, stream, of=first))
    if chance.random() < REWRITTEN:
        other = _add(rewritten(written, chance), _later(at, 6 * HOUR, stream), stream)
        stream.found.rewrites.append((first, other))
    if len(story) > 1:
        stream.found.stories.append(TrueStory(tuple(story)))


def _burst(tag: str, per_weekday: float, stream: _Stream, *, is_last: bool) -> None:
    """Publish some hours in which a subject has a multiple of its reports, and at least a handful more an hour."""
    chance = stream.chance
    length = round(chance.uniform(2, 8) * 60) * MINUTE
    shape = Shape.SLOW if is_last or chance.random() < 0.5 else Shape.STEEP
    start = stream.end - LAST_BURST_LENGTH if is_last else _free(tag, length, stream)
    end = stream.end if is_last else start + length
    usual = max(_per_hour(per_weekday, start + step * HOUR) for step in range(1 + (end - start) // HOUR))
    more = CLEAR if is_last else chance.uniform(*MORE)
    reports = round((end - start) / HOUR * (usual * chance.uniform(*LIFT) + more))
    subject = next(each for each in subjects() if each.tag == tag)
    for _ in range(reports):
        # The square of a uniform number lies in the first third of its range in .58 of all cases.
        place = chance.random() ** 2 if shape is Shape.STEEP else chance.random() ** 0.5
        _publish(subject, _second(start + place * (end - start - SECOND)), stream)
    stream.taken.append((tag, start, end))
    stream.found.bursts.append(TrueBurst(tag, start, end, reports, shape))


def _wave(tag: str, stream: _Stream) -> None:
    """Publish one report that many print."""
    chance = stream.chance
    length = round(chance.uniform(1, 3) * 60) * MINUTE
    start = _free(tag, length, stream)
    written = report(next(each for each in subjects() if each.tag == tag), chance)
    copies = chance.randint(15, 40)
    first = _add(written, start, stream)
    story = (first, *(_copy(written, start, length, stream) for _ in range(copies)))
    stream.taken.append((tag, start, start + length))
    stream.found.waves.append(Wave(tag, start, start + length, copies))
    stream.found.stories.append(TrueStory(story))


def _free(tag: str, length: timedelta, stream: _Stream) -> datetime:
    """Return a start in the later half of the stream, half a day from what else befalls the tag."""
    middle = stream.start + (stream.end - stream.start) / 2
    last = stream.end - DAY / 2 - length
    for _ in range(MAX_TRIES):
        start = _second(middle + stream.chance.random() * (last - middle))
        if all(
            tag != other or start + length + DAY / 2 < begins or ends + DAY / 2 < start
            for other, begins, ends in stream.taken
        ):
            return start
    raise ValueError(f"there is no room for so many bursts and waves of {tag} between {middle} and {last}")


def _copy(written: Report, at: datetime, within: timedelta, stream: _Stream) -> Version:
    return _add(syndicated(written, stream.chance), _later(at, within, stream), stream)


def _later(at: datetime, within: timedelta, stream: _Stream) -> datetime:
    """Return some time after, not after the stream's end."""
    return _second(at + stream.chance.random() * (min(at + within, stream.end) - at))


def _add(written: Report, at: datetime, stream: _Stream, of: Version | None = None) -> Version:
    """Publish a document; a new version where it is `of` another one."""
    version = Version(of.id, of.number + 1) if of else Version(f"{stream.name}-{next(stream.numbers):06d}", 1)
    stream.found.documents.append(
        RawDocument(
            id=version.id,
            version=version.number,
            source=stream.chance.choice(SOURCES),
            media_type=MediaType.PLAIN,
            title=written.title,
            body=written.text,
            language="en",
            published_at=at,
            meta={"generated": stream.name},
        )
    )
    return version


def _second(at: datetime) -> datetime:
    """Return a whole second, and never midnight, which would stand for the day alone."""
    whole = at.replace(microsecond=0)
    return whole + SECOND if whole.time() == datetime.min.time() else whole


def _poisson(mean: float, chance: random.Random) -> int:
    """Return a Poisson count (Knuth, The Art of Computer Programming, section 3.4.1, F3)."""
    bound, product, found = math.exp(-mean), chance.random(), 0
    while product > bound:
        product *= chance.random()
        found += 1
    return found
