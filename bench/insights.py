"""How well bursts and stories are found in generated news whose truth is known, beside simpler ways. No Kafka."""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import accumulate
from math import sqrt
from statistics import median
from typing import Final

from pydantic import TypeAdapter

from bench.environments import ROOT
from bench.fingerprints import Score, exact_pairs, same_story
from bench.table import Table, figure
from schemas.insights import BandedDocument, TagTrend, TrendDocument
from services.core.bursts import TagSeries
from services.core.disjoint_sets import Node
from services.core.event_time import event_time, milliseconds
from services.core.fingerprint import bands, id_band
from services.core.near_duplicates import NEAR_DUPLICATE, NearDuplicates
from services.core.stories import Stories
from services.core.tag_numbers import TrendRules
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, count_copy, count_document, empty_hour, hour_of
from services.core.trends import events, history, say
from services.feed.generated import Generated, Shape, TrueBurst, Version, generated
from services.feed.generated_texts import subjects
from services.worker.flow import Resources, load_resources, process

END: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAYS: Final = 27
BURSTS: Final = 12
WAVES: Final = 6
SIZES: Final = (30, 100, 600)
"""Ordinary reports of a weekday."""
RULES: Final = TrendRules()
INTERVAL_MS: Final = RULES.interval_s * 1000
UNTIL: Final = milliseconds(END) // INTERVAL_MS
FIRST: Final = UNTIL - (DAYS - 2) * 24 * RULES.per_hour
"""Nobody judges before two days have been seen."""
CACHE: Final = ROOT / ".bench" / "insights"

Stretch = tuple[int, int]
"""Where the first window of a burst ends, and the first that no longer bursts, in intervals since 1970."""
Finder = Callable[[Sequence[int], Sequence[TrueBurst]], list[Stretch]]
"""Stories in each window from FIRST to UNTIL, and the truth for those who look at it -> bursts."""

_DOCUMENTS: Final = TypeAdapter(list[BandedDocument])


@dataclass(slots=True)
class Outcome:
    """Bursts that were found, and that were to be found."""

    right: int = 0
    wrong: int = 0
    true: int = 0
    delays_min: list[float] = field(default_factory=list)
    """Of each true burst that was found: from its first report to the end of the first window that told it."""

    def add(self, other: "Outcome") -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.true += other.true
        self.delays_min += other.delays_min

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return len(self.delays_min) / max(1, self.true)

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / max(1e-9, self.precision + self.recall)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="streams of each size")
    parser.add_argument("--first-seed", type=int, default=101)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    resources = load_resources()
    streams = [_classified(seed, size, resources) for size in SIZES for seed in seeds]
    # To compare all with all takes minutes for the largest.
    smaller = [stream for stream in streams if stream.size < SIZES[-1]]
    for table in (bursts(streams), by_size(streams), by_shape(streams), stories(smaller), costs(streams[-1])):
        print(table.markdown() + "\n")  # noqa: T201


def bursts(streams: Sequence["_Classified"]) -> Table:
    """Compare ways to find bursts, with stories counted once and with every document."""
    table = Table(("bursts by", "what counts", "there are", "precision", "recall", "median delay, minutes"))
    for name, finder in (("tagwire", None), ("mean and three deviations", _beyond), ("the best threshold", _best)):
        for counted, is_once in (("a story once", True), ("every document", False)):
            outcome = _outcome(streams, finder, is_once=is_once)
            table.rows.append((name, counted, *_figures(outcome)))
    return table


def by_size(streams: Sequence["_Classified"]) -> Table:
    table = Table(("reports of a weekday", "documents", "there are", "precision", "recall", "median delay, minutes"))
    for size in SIZES:
        those = [stream for stream in streams if stream.size == size]
        documents = figure(sum(len(stream.documents) for stream in those) / len(those))
        table.rows.append((str(size), documents, *_figures(_outcome(those, None, is_once=True))))
    return table


def by_shape(streams: Sequence["_Classified"]) -> Table:
    table = Table(("bursts that come", "there are", "recall", "median delay, minutes"))
    for shape in Shape:
        outcome = _outcome(streams, None, is_once=True, shapes={shape})
        there_are, _, recall, delay = _figures(outcome)
        table.rows.append((shape.value, there_are, recall, delay))
    return table


def stories(streams: Sequence["_Classified"]) -> Table:
    """Compare stories with the truth and with exact Jaccard similarity, by pairs of records in one story."""
    table = Table(("stories by", "beside", "pairs in one story", "precision", "recall"))
    scores: defaultdict[tuple[str, str], list[Score]] = defaultdict(list)
    for stream in streams:
        ours, true, exact = stream.stories, _true_stories(stream), _exact_stories(stream)
        for names, one, other in (
            (("tagwire", "the truth"), ours, true),
            (("exact Jaccard of .8, and ids", "the truth"), exact, true),
            (("tagwire", "exact Jaccard of .8, and ids"), ours, exact),
        ):
            scores[names].append(same_story(one, other))
    for names, found in scores.items():
        whole = Score(*(sum(getattr(each, part) for each in found) for part in ("found", "true", "both")))
        table.rows.append((*names, figure(whole.true), figure(whole.precision, 4), figure(whole.recall, 4)))
    return table


def costs(stream: "_Classified") -> Table:
    """Measure what a tag costs while time goes on, interval by interval, and at once; means over the subjects."""
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for tag, series in _series(stream, is_once=True):
        spent["all bursts of a tag, from nothing"].append(_s(partial(series.bursts, UNTIL)))
        spent["history of a tag"].append(_s(partial(history, tag, series, until=UNTIL, examples=_no_examples)))
        again, said = TagSeries(RULES, SeenHours()), dict[str, TagTrend]()
        for hour in range(FIRST // RULES.per_hour - 48, UNTIL // RULES.per_hour):
            row = empty_hour(RULES.interval_s)
            for interval, stories in enumerate(
                series.numbers.stories(hour * RULES.per_hour, (hour + 1) * RULES.per_hour)
            ):
                row.documents[interval] = stories
                until = hour * RULES.per_hour + interval + 1
                spent["put a row whose numbers changed"].append(_s(partial(again.put, hour, row)))
                say_now = partial(events, tag, again, said, until=until, examples=_no_examples)
                spent["judge one more window of a tag"].append(_s(say_now))
                said = say(said, events(tag, again, said, until=until, examples=_no_examples), until=until, rules=RULES)
        # One more document, three days late: all since then is judged again.
        late = hour_of(milliseconds(END)) - 72
        row = empty_hour(RULES.interval_s)
        row.documents[0] = sum(series.numbers.stories(late * RULES.per_hour, (late + 1) * RULES.per_hour)) + 1
        again.put(late, row)
        spent["judge three days again"].append(
            _s(partial(events, tag, again, said, until=UNTIL, examples=_no_examples))
        )
    table = Table(("step", "µs"))
    for name, seconds in spent.items():
        table.rows.append((name, figure(sum(seconds) / len(seconds) * 1e6, 1)))
    return table


def _s(step: Callable[[], object]) -> float:
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def _no_examples(_start_ms: int, _end_ms: int) -> tuple[TrendDocument, ...]:
    return ()


@dataclass(slots=True)
class _Classified:
    """A stream after the whole journey, with the stories that were found in it."""

    size: int
    truth: Generated
    documents: list[BandedDocument]
    """In the order of the stream."""
    stories: list[int]
    """Of each document, the number of its story's first one."""
    copies: dict[str, frozenset[str]]
    """Record -> the tags for which it is a copy."""


def _classified(seed: int, size: int, resources: Resources) -> _Classified:
    stream = generated(seed=seed, end=END, days=DAYS, per_day=size, bursts=BURSTS, waves=WAVES)
    told = sha256(b"".join(each.model_dump_json().encode() for each in stream.documents))
    told.update(resources.taxonomy.version.encode())
    file = CACHE / f"{told.hexdigest()[:16]}.json"
    if not file.exists():
        started = time.monotonic()
        documents = [_document(number, stream, resources) for number in range(len(stream.documents))]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_DOCUMENTS.dump_json(documents))
        took = time.monotonic() - started
        sys.stderr.write(f"seed {seed}, {size} a day: {len(documents)} documents classified in {took:.0f} s\n")
    documents = _DOCUMENTS.validate_json(file.read_bytes())
    return _Classified(size, stream, documents, *_stories(documents))


def _document(number: int, stream: Generated, resources: Resources) -> BandedDocument:
    raw = stream.documents[number]
    found = process(raw, resources, received_at=END)
    return BandedDocument(
        record=f"0/{number}",
        id=found.id,
        title=found.title,
        source=found.source,
        at_ms=milliseconds(event_time(found, kept_days=RULES.baseline_days, classified_at=found.received_at)),
        tags=tuple(tag.id for tag in found.tags),
        fingerprint=found.fingerprint,
        bands=(*(bands(found.fingerprint) if found.fingerprint else ()), id_band(found.id)),
    )


def _stories(documents: Sequence[BandedDocument]) -> tuple[list[int], dict[str, frozenset[str]]]:
    near, grouped = NearDuplicates(window_ms=3 * 86_400_000), Stories()
    nodes = {document.id: Node() for document in documents}
    copies: dict[str, frozenset[str]] = {}
    for document in documents:
        links = near.add(document)
        changes = grouped.join(links)
        grouped.apply(changes)
        copies |= {copy.record: frozenset(copy.tags) for copy in changes.copies}
        for link in links:
            nodes[link.first.id].unite(nodes[link.second.id])
    return _numbered([nodes[document.id].root() for document in documents]), copies


def _true_stories(stream: _Classified) -> list[int]:
    first = {record: story.records[0] for story in stream.truth.stories for record in story.records}
    versions = [Version(document.id or "", document.version) for document in stream.truth.documents]
    return _numbered([first.get(version, version) for version in versions])


def _exact_stories(stream: _Classified) -> list[int]:
    """Return the components of pairs that are alike, or have the same id, at most as far apart as ours may be."""
    nodes = [Node() for _ in stream.documents]
    by_id: dict[str, int] = {}
    pairs = set(exact_pairs([each.body or "" for each in stream.truth.documents], NEAR_DUPLICATE))
    pairs.update((by_id.setdefault(each.id, number), number) for number, each in enumerate(stream.documents))
    for one, other in pairs:
        if abs(stream.documents[one].at_ms - stream.documents[other].at_ms) <= 3 * 86_400_000:
            nodes[one].unite(nodes[other])
    return _numbered([node.root() for node in nodes])


def _numbered(stories: Sequence[object]) -> list[int]:
    first: dict[object, int] = {}
    return [first.setdefault(story, number) for number, story in enumerate(stories)]


def _outcome(
    streams: Sequence[_Classified], finder: Finder | None, *, is_once: bool, shapes: Container[Shape] = tuple(Shape)
) -> Outcome:
    whole = Outcome()
    for stream in streams:
        for tag, series in _series(stream, is_once=is_once):
            truth = [burst for burst in stream.truth.bursts if burst.tag == tag and burst.shape in shapes]
            if finder is None:
                found = [(burst.start, burst.end or UNTIL) for burst in series.bursts(UNTIL)]
            else:
                found = finder(_windows(series), truth)
            whole.add(judged([each for each in found if each[0] >= FIRST], truth))
    return whole


def judged(found: Sequence[Stretch], truth: Sequence[TrueBurst]) -> Outcome:
    """Hold bursts against the truth: right is one that overlaps a true one, or its last window."""

    def overlaps(stretch: Stretch, burst: TrueBurst) -> bool:
        begins, ends = milliseconds(burst.start) / INTERVAL_MS, milliseconds(burst.end) / INTERVAL_MS
        return begins <= stretch[1] and stretch[0] <= ends + RULES.per_window

    right = sum(any(overlaps(each, burst) for burst in truth) for each in found)
    outcome = Outcome(right, len(found) - right, len(truth))
    for burst in truth:
        starts = [each[0] for each in found if overlaps(each, burst)]
        if starts:
            late_ms = min(starts) * INTERVAL_MS - milliseconds(burst.start)
            outcome.delays_min.append(max(0.0, late_ms / 60_000))
    return outcome


def _series(stream: _Classified, *, is_once: bool) -> Iterator[tuple[str, TagSeries]]:
    """Yield the numbers of each subject's tag."""
    rows: defaultdict[str, dict[int, HourCounts]] = defaultdict(dict)
    for number, document in enumerate(stream.documents):
        for tag in document.tags:
            row = rows[tag].setdefault(hour_of(document.at_ms), empty_hour(RULES.interval_s))
            count_document(row, 0, number, document.at_ms)
            if is_once and tag in stream.copies.get(document.record, ()):
                count_copy(row, document.record, document.at_ms)
    seen = SeenHours(hour for hours in rows.values() for hour in hours)
    for subject in subjects():
        series = TagSeries(RULES, seen)
        for hour, row in rows[subject.tag].items():
            series.put(hour, row)
        yield subject.tag, series


def _windows(series: TagSeries) -> list[int]:
    length = RULES.per_window
    there = list(accumulate(series.numbers.stories(FIRST - length, UNTIL), initial=0))
    return [after - before for before, after in zip(there, there[length:], strict=False)]


def _beyond(windows: Sequence[int], _: Sequence[TrueBurst]) -> list[Stretch]:
    """Judge each hour's windows by mean and deviation of all windows before that hour."""
    limits: list[float] = []
    total = squares = 0
    for place in range(0, len(windows), RULES.per_hour):
        mean = total / max(1, place)
        limits += [mean + 3 * sqrt(max(0.0, squares / max(1, place) - mean * mean))] * RULES.per_hour
        hour = windows[place : place + RULES.per_hour]
        total += sum(hour)
        squares += sum(stories * stories for stories in hour)
    return _above(windows, limits)


def _best(windows: Sequence[int], truth: Sequence[TrueBurst]) -> list[Stretch]:
    """Take the threshold that fits the truth best, which nobody knows beforehand."""
    choices: Mapping[int, list[Stretch]] = {
        limit: _above(windows, [limit - 0.5] * len(windows)) for limit in range(RULES.min_stories, max(windows) + 2)
    }
    if not choices:
        return []
    best = max(choices, key=lambda limit: (_fit(judged(choices[limit], truth)), -limit))
    return choices[best]


def _fit(outcome: Outcome) -> float:
    """Where there is no burst to find, the fewest that are wrong fit best."""
    return outcome.f1 if outcome.true else -outcome.wrong


def _above(windows: Sequence[int], limits: Sequence[float]) -> list[Stretch]:
    found: list[Stretch] = []
    start: int | None = None
    for end, (stories, limit) in enumerate(zip(windows, limits, strict=False), FIRST):
        if start is None and stories > limit and stories >= RULES.min_stories:
            start = end
        elif start is not None and stories <= limit:
            found.append((start, end))
            start = None
    return found if start is None else [*found, (start, UNTIL)]


def _figures(outcome: Outcome) -> tuple[str, str, str, str]:
    delay = figure(median(outcome.delays_min)) if outcome.delays_min else ""
    return figure(outcome.true), figure(outcome.precision, 3), figure(outcome.recall, 3), delay


if __name__ == "__main__":
    main()
