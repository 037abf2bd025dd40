"""What is said of bursts, and the history of a tag."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.insights import TagTrend, TrendDocument, TrendEvent
from services.core.bursts import TagSeries
from services.core.event_time import from_milliseconds, milliseconds
from services.core.timeline import SeenHours
from services.core.trend_counts import HourCounts, count_copy, count_document, empty_hour, hour_of
from services.core.trends import events, history, intervals_until, said_from_bytes, said_to_bytes, say
from tests.core.trend_streams import DAY, PER_HOUR, RULES, rows, series, window

NOON = 5 * 24 + 12
START = from_milliseconds(DAY * 3_600_000)


def examples(start_ms: int, end_ms: int) -> tuple[TrendDocument, ...]:
    """Return a document that names the stretch of time that was asked for."""
    hours = (end_ms - start_ms) / 3_600_000
    return (TrendDocument(id=f"{hours:g} h", source="tests", at=from_milliseconds(end_ms)),)


def told(tag: TagSeries, said: dict[str, TagTrend], until: int) -> list[TagTrend]:
    """Return what is to be said, and say it."""
    found = events("libya", tag, said, until=until, examples=examples)
    said_now = say(said, found, until=until, rules=RULES)
    said.clear()
    said.update(said_now)
    return found


def kinds(found: list[TagTrend]) -> list[TrendEvent]:
    return [event.event for event in found]


def test_each_event_is_told_once_when_its_window_has_ended() -> None:
    tag, said = series(rows(7, {NOON: 20, NOON + 1: 60})), dict[str, TagTrend]()

    found = [
        (event, until) for until in range(window(36), window(7 * 24)) for event in told(tag, said, until)
    ]  # fmt: skip

    assert kinds([event for event, _ in found])[:2] == [TrendEvent.STARTED, TrendEvent.GREW]
    assert kinds([event for event, _ in found])[-1] is TrendEvent.ENDED
    assert {event.burst_id for event, _ in found} == {f"libya@{found[0][0].started_at:%Y-%m-%dT%H:%M:%SZ}"}
    for event, until in found:
        assert milliseconds(event.at) == until * RULES.interval_s * 1000


def test_an_event_tells_its_window() -> None:
    started, *_, ended = told(series(rows(7, {NOON: 40})), {}, window(7 * 24))

    assert started.tag == "libya"
    assert started.started_at == started.at
    assert START + timedelta(hours=NOON) < started.at <= START + timedelta(hours=NOON + 1)
    assert started.window_s == 3600
    assert started.stories == started.documents == started.peak_stories > 10
    assert 1 < started.expected < 4
    assert started.score == started.peak_score >= RULES.start_score
    assert [each.id for each in started.examples] == ["1 h"]
    assert ended.peak_stories >= 40
    length = (ended.at - ended.started_at).total_seconds() / 3600
    assert [each.id for each in ended.examples] == [f"{length + 1:g} h"], "an end is told with the whole burst"


def test_all_of_a_burst_that_nothing_was_said_of_is_said() -> None:
    found = told(series(rows(7, {NOON: 20, NOON + 1: 60})), {}, window(7 * 24))

    assert kinds(found) == [TrendEvent.STARTED, TrendEvent.GREW, TrendEvent.ENDED]


def test_what_has_been_said_is_not_said_again() -> None:
    tag, said = series(rows(7, {NOON: 40})), dict[str, TagTrend]()
    told(tag, said, window(7 * 24))

    assert told(tag, said, window(7 * 24)) == []
    assert told(series(rows(7, {NOON: 40})), said_from_bytes(said_to_bytes(said)), window(7 * 24)) == []


def test_a_burst_of_copies_is_withdrawn() -> None:
    found = rows(7, {NOON: 40})
    tag, said = series(found), dict[str, TagTrend]()
    started, *_ = told(tag, said, window(NOON + 1))

    row = found[DAY + NOON]
    row.copies = {interval: {0: set(range(10))} for interval in range(PER_HOUR)}
    tag.put(DAY + NOON, row)
    (withdrawn,) = told(tag, said, window(NOON + 1))

    assert withdrawn.event is TrendEvent.WITHDRAWN
    assert withdrawn.burst_id == started.burst_id
    assert withdrawn.at == started.at
    assert withdrawn.documents == started.documents
    assert withdrawn.stories == withdrawn.peak_stories < 5
    assert withdrawn.score == withdrawn.peak_score < 2
    assert said == {}


def test_a_withdrawn_burst_may_start_again() -> None:
    found = rows(7, {NOON: 40})
    tag, said = series(found), dict[str, TagTrend]()
    first = told(tag, said, window(NOON + 1))
    tag.put(DAY + NOON, empty_hour(RULES.interval_s))
    told(tag, said, window(NOON + 1))

    tag.put(DAY + NOON, found[DAY + NOON])

    assert told(tag, said, window(NOON + 1)) == first


def test_an_end_that_was_none_is_corrected() -> None:
    """Documents of the hours in between come late, and the burst goes on."""
    found = rows(7, {NOON: 40, NOON + 1: 40, NOON + 2: 40, NOON + 3: 40})
    late = {hour: found.pop(DAY + hour) for hour in (NOON + 1, NOON + 2)}
    tag, said = series(found), dict[str, TagTrend]()
    assert TrendEvent.ENDED in kinds(told(tag, said, window(NOON + 3)))

    for hour, row in late.items():
        tag.put(DAY + hour, row)
    (corrected,) = told(tag, said, window(NOON + 3))

    assert corrected.event in {TrendEvent.STARTED, TrendEvent.GREW}
    assert said == {corrected.burst_id: corrected}


def test_an_end_with_other_numbers_is_said_again() -> None:
    found = rows(7, {NOON: 40})
    tag, said = series(found), dict[str, TagTrend]()
    before = told(tag, said, window(7 * 24))[-1]

    row = found[DAY + NOON]
    row.copies = {3: {0: {1}}}
    tag.put(DAY + NOON, row)
    after = told(tag, said, window(7 * 24))

    assert kinds(after) == [TrendEvent.ENDED]
    assert after[0].peak_stories == before.peak_stories - 1


def test_a_burst_before_the_horizon_is_not_taken_back_and_is_forgotten_when_it_has_ended() -> None:
    said = dict[str, TagTrend]()
    told(series(rows(7, {40: 40})), said, window(7 * 24))
    assert len(said) == 1

    assert told(series(rows(1, {})), said, window(20 * 24)) == []
    assert said == {}


def test_where_nothing_is_expected_any_more_a_burst_is_withdrawn_without_it() -> None:
    said = dict[str, TagTrend]()
    told(series(rows(7, {NOON: 40})), said, window(NOON + 1))

    (withdrawn,) = told(TagSeries(RULES, SeenHours()), said, window(NOON + 1))

    assert (withdrawn.stories, withdrawn.expected, withdrawn.score) == (0, 0, 0)


def test_the_history_is_a_day_with_what_was_to_be_expected() -> None:
    tag = series(rows(7, {7 * 24 - 1: 40}))

    found = history("libya", tag, until=window(7 * 24), examples=examples)

    assert found.at == START + timedelta(days=7)
    assert found.interval_s == 900
    assert len(found.stories) == len(found.expected) == 96
    assert sum(found.stories[-4:]) >= 40
    assert all(0.2 < each < 1 for each in found.expected)
    assert found.score > 5
    assert found.burst is not None
    assert found.burst.event in {TrendEvent.STARTED, TrendEvent.GREW}
    assert [each.id for each in found.burst.examples] == ["1 h"]


def test_a_calm_tag_has_a_history_without_a_burst() -> None:
    assert history("libya", series(rows(7, {NOON: 40})), until=window(7 * 24), examples=examples).burst is None


def test_a_tag_without_documents_has_a_history_of_zeros() -> None:
    found = history("libya", TagSeries(RULES, SeenHours()), until=window(0), examples=examples)

    assert set(found.stories) == {0}
    assert set(found.expected) == {0}
    assert found.score == 0


@pytest.mark.parametrize(("minute", "ended"), [(0, 0), (14, 0), (15, 1), (61, 4)])
def test_an_interval_has_ended_when_its_last_second_is_over(minute: int, ended: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)

    assert intervals_until(milliseconds(at), RULES) == ended


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(40, 5 * 24), st.sampled_from((10, 24, 60)), st.booleans()), max_size=4),
    st.integers(1, 3),
    st.randoms(use_true_random=False),
)
def test_events_lead_to_the_same_bursts_whatever_the_order_and_repetition(
    made: list[tuple[int, int, bool]], partitions: int, chance: random.Random
) -> None:
    """
    Documents of some partitions come interleaved in any way, in batches that may come again; copies come any time.

    Some hours have more documents; of some of these all but one are copies of the first.
    """
    minutes = sorted(chance.randrange(6 * 24 * 60) for _ in range(300))
    copied: set[int] = set()
    for hour, documents, are_copies in made:
        more = [hour * 60 + chance.randrange(60) for _ in range(documents)]
        if are_copies:
            copied.update(range(len(minutes) + 1, len(minutes) + documents))
        minutes += more
    inputs: list[list[tuple[int, int]]] = [[] for _ in range(partitions)]
    copies: list[tuple[str, int]] = []
    for number, minute in enumerate(minutes):
        partition = chance.randrange(partitions)
        at_ms = (DAY * 60 + minute) * 60_000
        if number in copied:
            copies.append((f"{partition}/{len(inputs[partition])}", at_ms))
        inputs[partition].append((len(inputs[partition]), at_ms))
    until = window(6 * 24)

    straight = _Agent()
    for partition, records in enumerate(inputs):
        straight.count(partition, records)
    straight.mark(copies)
    straight.judge(until)

    crooked = _Agent()
    left = [0] * partitions
    while any(left[each] < len(inputs[each]) for each in range(partitions)):
        partition = chance.randrange(partitions)
        back, ahead = max(0, left[partition] - chance.choice((0, 0, 30))), left[partition] + chance.randint(1, 120)
        crooked.count(partition, inputs[partition][back:ahead])
        left[partition] = max(left[partition], min(ahead, len(inputs[partition])))
        crooked.mark(chance.sample(copies, len(copies) // 2))
        crooked.judge(min(until, chance.choice((until, crooked.latest()))))
    crooked.mark(copies)
    crooked.judge(until)

    assert crooked.series.bursts(until) == straight.series.bursts(until)
    assert crooked.applied == straight.applied
    assert {**crooked.said} == straight.said == straight.applied


class _Agent:
    """What an agent does with the pure parts; whoever reads its events applies them one after another."""

    def __init__(self) -> None:
        self.rows: dict[int, HourCounts] = {}
        self.series = TagSeries(RULES, SeenHours())
        self.said: dict[str, TagTrend] = {}
        self.applied: dict[str, TagTrend] = {}

    def count(self, partition: int, records: list[tuple[int, int]]) -> None:
        for offset, at_ms in records:
            count_document(self._row(at_ms), partition, offset, at_ms)
        self._put()

    def mark(self, copies: list[tuple[str, int]]) -> None:
        for record, at_ms in copies:
            count_copy(self._row(at_ms), record, at_ms)
        self._put()

    def judge(self, until: int) -> None:
        for event in told(self.series, self.said, until):
            if event.event is TrendEvent.WITHDRAWN:
                del self.applied[event.burst_id]
            else:
                self.applied[event.burst_id] = event

    def latest(self) -> int:
        return max(self.rows) * PER_HOUR + PER_HOUR // 2

    def _row(self, at_ms: int) -> HourCounts:
        return self.rows.setdefault(hour_of(at_ms), empty_hour(RULES.interval_s))

    def _put(self) -> None:
        for hour, row in self.rows.items():
            self.series.put(hour, row)
