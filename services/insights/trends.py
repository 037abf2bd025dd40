"""insights.tag-counts -> trends and insights.tag-history: what each tag's stories amount to."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.insights import CountedDocument, TagCounts, TagHistory, TagTrend, TrendDocument, TrendEvent
from schemas.topics import HOUR_MS, TAG_COUNTS, TAG_HISTORY, TRENDS
from services.core import trend_counts, trend_examples
from services.core.baseline import reach_h
from services.core.bursts import TagSeries
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, hour_of
from services.core.trend_examples import HourExamples
from services.core.trends import events, history, intervals_until, said_from_bytes, said_to_bytes, say
from services.insights.letters import Refused, decoded
from services.insights.packing import AHEAD_MS
from services.insights.settings import GROUP, InsightSettings
from services.insights.tables import Row, Table
from services.insights.work import Effects
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import BURSTS, OUT_OF_RANGE, TREND_EVENTS

COUNTS: Final = "c"
EXAMPLES: Final = "e"
SAID: Final = "s"
CLOCK: Final = b"t"
"""First letter of a row's key: `c/libya/491016` are the counts of a tag in an hour since 1970, `e/…` its examples,
`s/libya` what was said of its bursts, and `t` is where the partition's time stands."""


@dataclass(slots=True)
class Partition:
    """What is kept in memory of a partition: numbers, and what was said. The rest is read from its rows."""

    seen: SeenHours = field(default_factory=SeenHours)
    series: dict[str, TagSeries] = field(default_factory=dict)
    said: dict[str, dict[str, TagTrend]] = field(default_factory=dict)
    hours: dict[str, set[int]] = field(default_factory=dict)
    """Tag -> the hours that have a row."""
    newest_ms: int = 0
    """The latest event time."""
    heard_ms: int = 0
    """When the record with it was written, by the clock: so time goes on where no more come."""
    until: int = 0
    """The interval up to which windows are judged."""
    untold: set[str] = field(default_factory=set)
    """Tags whose numbers have changed since their history was written."""


@dataclass(slots=True)
class Changes:
    """What a batch changes in a partition: rows as they were read, and then changed."""

    counts: dict[tuple[str, int], HourCounts] = field(default_factory=dict)
    examples: dict[tuple[str, int], HourExamples] = field(default_factory=dict)
    dropped: list[bytes] = field(default_factory=list)


class Trends:
    name = "trends"
    source = TAG_COUNTS

    def __init__(
        self, kafka: KafkaSettings, settings: InsightSettings, table: Table, *, now_ms: Callable[[], int]
    ) -> None:
        self.table: Table | None = table
        self._rows = table
        self._rules = settings.trend_rules
        self._grace_ms = settings.grace_s * 1000
        self._now_ms = now_ms
        self._refused = Refused(kafka, kafka.group(GROUP))
        self._trends, self._history = kafka.topic(TRENDS), kafka.topic(TAG_HISTORY)
        self._partitions: dict[int, Partition] = {}
        self._kept_hours = self._rules.horizon // self._rules.per_hour + reach_h(self._rules.baseline_days)

    @property
    def rows(self) -> int:
        return sum(2 * len(hours) for each in self._partitions.values() for hours in each.hours.values())

    def take(self, records: Sequence[Record]) -> Effects:
        packs, refused = decoded(records, TagCounts)
        by_partition: dict[int, list[tuple[Record, TagCounts]]] = {}
        for record, pack in packs:
            by_partition.setdefault(record.partition, []).append((record, pack))
        effects = Effects(self._refused.letters(refused))
        told: list[TagTrend] = []
        late = 0
        for number, of_partition in by_partition.items():
            changes = Changes()
            for record, pack in of_partition:
                late += self._count(number, changes, record, pack)
            told += self._judge(number, changes, effects, at_ms=self._partitions[number].newest_ms)

        def done() -> None:
            self._refused.count(refused)
            OUT_OF_RANGE.labels(self.name).inc(late)
            self._count_events(told)

        effects.done = done
        return effects

    def tick(self) -> Effects:
        """Let time go on where nothing comes: a burst ends by itself."""
        effects = Effects()
        told: list[TagTrend] = []
        now_ms = self._now_ms()
        for number, partition in self._partitions.items():
            silent_ms = now_ms - partition.heard_ms
            if partition.newest_ms and silent_ms > self._grace_ms:
                told += self._judge(number, Changes(), effects, at_ms=partition.newest_ms + silent_ms)
        effects.done = lambda: self._count_events(told)
        return effects

    def remember(self, partition: int, rows: Iterable[tuple[bytes, bytes]]) -> None:
        memory = self._partitions[partition] = Partition()
        for key, value in rows:
            kind, *place = key.decode().split("/")
            if kind == COUNTS:
                tag, hour = place[0], int(place[1])
                memory.hours.setdefault(tag, set()).add(hour)
                self._series(memory, tag).put(hour, trend_counts.from_bytes(value))
            elif kind == SAID:
                memory.said[place[0]] = said_from_bytes(value)
            elif key == CLOCK:
                memory.newest_ms, memory.heard_ms, memory.until = map(int, value.split())
        self._show_bursts()

    def forget(self, partition: int) -> None:
        self._partitions.pop(partition, None)
        self._show_bursts()

    def _series(self, memory: Partition, tag: str) -> TagSeries:
        if tag not in memory.series:
            memory.series[tag] = TagSeries(self._rules, memory.seen)
        return memory.series[tag]

    def _count(self, number: int, changes: Changes, record: Record, pack: TagCounts) -> int:
        """Count a pack; return how many documents came when their hour was gone, or long before it."""
        memory = self._partitions[number]
        first_hour = memory.until // self._rules.per_hour - self._kept_hours
        late = 0
        last_ms = record.timestamp_ms + AHEAD_MS
        for document in pack.documents:
            assert pack.source is not None  # as the model checks
            hour = hour_of(document.at_ms)
            if hour < first_hour or document.at_ms > last_ms:
                late += 1
                continue
            if document.at_ms > memory.newest_ms:
                memory.newest_ms, memory.heard_ms = document.at_ms, record.timestamp_ms
            for tag in document.tags:
                self._count_tag(number, changes, tag, pack.source, document)
        for copy in pack.copies:
            hour = hour_of(copy.at_ms)
            if hour >= first_hour and copy.at_ms <= last_ms:
                for tag in copy.tags:
                    trend_counts.count_copy(self._counts(number, changes, tag, hour), copy.record, copy.at_ms)
        return late

    def _count_tag(self, number: int, changes: Changes, tag: str, source: int, document: CountedDocument) -> None:
        hour = hour_of(document.at_ms)
        row = self._counts(number, changes, tag, hour)
        if trend_counts.count_document(row, source, document.offset, document.at_ms):
            trend_examples.keep_example(
                self._examples(number, changes, tag, hour), tag, source, document, self._rules.interval_s
            )

    def _judge(self, number: int, changes: Changes, effects: Effects, *, at_ms: int) -> list[TagTrend]:
        """Say what is to be said by now, and add the rows that changed to the effects."""
        memory = self._partitions[number]
        for (tag, hour), row in changes.counts.items():
            memory.hours.setdefault(tag, set()).add(hour)
            memory.untold.add(tag)
            self._series(memory, tag).put(hour, row)
        until = max(memory.until, intervals_until(at_ms - self._grace_ms, self._rules))
        is_later = until > memory.until
        memory.until = until
        told: list[TagTrend] = []
        judged = sorted(memory.series if is_later else {tag for tag, _ in changes.counts})
        for tag in judged:
            series, said = memory.series[tag], memory.said.get(tag, {})

            def examples(start_ms: int, end_ms: int, tag: str = tag) -> tuple[TrendDocument, ...]:
                return self._chosen(number, changes, tag, start_ms, end_ms)

            found = events(tag, series, said, until=until, examples=examples)
            if found:
                memory.said[tag] = say(said, found, until=until, rules=self._rules)
                effects.rows.append(Row(number, f"{SAID}/{tag}".encode(), said_to_bytes(memory.said[tag])))
                effects.outputs += (_placed(self._trends, tag, event) for event in found)
                told += found
            if found or (is_later and tag in memory.untold):
                shown = history(tag, series, until=until, examples=examples)
                effects.outputs.append(_placed(self._history, tag, shown))
                memory.untold.discard(tag)
        if is_later:
            self._drop_old(memory, changes)
            effects.rows.append(Row(number, CLOCK, b"%d %d %d" % (memory.newest_ms, memory.heard_ms, memory.until)))
        effects.rows += _rows(number, changes)
        return told

    def _chosen(self, number: int, changes: Changes, tag: str, start_ms: int, end_ms: int) -> tuple[TrendDocument, ...]:
        hours = [
            hour
            for hour in range(start_ms // HOUR_MS, end_ms // HOUR_MS + 1)
            if hour in self._partitions[number].hours.get(tag, ())
        ]
        copies = {
            f"{partition}/{offset}"
            for hour in hours
            for partitions in self._read_counts(number, changes, tag, hour).copies.values()
            for partition, offsets in partitions.items()
            for offset in offsets
        }
        rows = [self._read_examples(number, changes, tag, hour) for hour in hours]
        return trend_examples.choose_examples(rows, copies, start_ms=start_ms, end_ms=end_ms)

    def _counts(self, number: int, changes: Changes, tag: str, hour: int) -> HourCounts:
        """Return the row to be changed."""
        return changes.counts.setdefault((tag, hour), self._read_counts(number, changes, tag, hour))

    def _examples(self, number: int, changes: Changes, tag: str, hour: int) -> HourExamples:
        return changes.examples.setdefault((tag, hour), self._read_examples(number, changes, tag, hour))

    def _read_counts(self, number: int, changes: Changes, tag: str, hour: int) -> HourCounts:
        if (row := changes.counts.get((tag, hour))) is not None:
            return row
        value = self._rows.get(number, _key(COUNTS, tag, hour))
        return trend_counts.empty_hour(self._rules.interval_s) if value is None else trend_counts.from_bytes(value)

    def _read_examples(self, number: int, changes: Changes, tag: str, hour: int) -> HourExamples:
        if (row := changes.examples.get((tag, hour))) is not None:
            return row
        value = self._rows.get(number, _key(EXAMPLES, tag, hour))
        return {} if value is None else trend_examples.from_bytes(value)

    def _drop_old(self, memory: Partition, changes: Changes) -> None:
        """Drop the rows of hours that no window is judged by any more."""
        first_hour = memory.until // self._rules.per_hour - self._kept_hours
        for tag, hours in list(memory.hours.items()):
            if not (old := [hour for hour in hours if hour < first_hour]):
                continue
            changes.dropped += (_key(kind, tag, hour) for kind in (COUNTS, EXAMPLES) for hour in old)
            hours.difference_update(old)
            memory.series[tag].drop_before(first_hour)

    def _count_events(self, told: Iterable[TagTrend]) -> None:
        for each in told:
            TREND_EVENTS.labels(each.event).inc()
        self._show_bursts()

    def _show_bursts(self) -> None:
        BURSTS.set(
            sum(
                any(event.event is not TrendEvent.ENDED for event in said.values())
                for memory in self._partitions.values()
                for said in memory.said.values()
            )
        )


def _key(kind: str, tag: str, hour: int) -> bytes:
    return f"{kind}/{tag}/{hour}".encode()


def _rows(number: int, changes: Changes) -> Iterable[Row]:
    for (tag, hour), counts in changes.counts.items():
        yield Row(number, _key(COUNTS, tag, hour), trend_counts.to_bytes(counts))
    for (tag, hour), examples in changes.examples.items():
        yield Row(number, _key(EXAMPLES, tag, hour), trend_examples.to_bytes(examples))
    for key in changes.dropped:
        yield Row(number, key, None)


def _placed(topic: str, tag: str, said: TagTrend | TagHistory) -> Placed:
    return Placed(topic, None, tag.encode(), said.model_dump_json(exclude_none=True).encode())
