"""What a partition of tags counts, says and drops."""

from datetime import timedelta

from schemas.insights import Copy, CountedDocument, TagCounts, TagHistory, TagTrend, TrendEvent
from schemas.topics import HOUR_MS
from services.core.event_time import milliseconds
from services.insights.settings import InsightSettings
from services.insights.trends import Trends
from services.kafka.records import Placed
from tests.insights.documents import NOON
from tests.insights.rows import KAFKA, Rows, record

SETTINGS = InsightSettings(kept_days=3)
NOON_MS = milliseconds(NOON)


class Clock:
    now_ms = NOON_MS

    def __call__(self) -> int:
        return self.now_ms


def agent() -> tuple[Trends, Rows, Clock]:
    rows, clock = Rows(), Clock()
    trends = Trends(KAFKA, SETTINGS, rows, now_ms=clock)
    trends.remember(0, ())
    return trends, rows, clock


def counted(offset: int, at_ms: int, tag: str = "libya") -> CountedDocument:
    return CountedDocument(offset=offset, id=f"d-{offset}", source="test", at_ms=at_ms, tags={tag: 1})


def pack(*documents: CountedDocument, copies: tuple[Copy, ...] = ()) -> TagCounts:
    return TagCounts(source=0, documents=documents, copies=copies)


def background(days: int = 3) -> list[CountedDocument]:
    """Return two documents an hour until an hour before noon."""
    hours = range(-24 * days, -1)
    return [
        counted(2 * (24 * days + hour) + half, NOON_MS + hour * HOUR_MS + half * HOUR_MS // 2)
        for hour in hours
        for half in (0, 1)
    ]


def burst(first: int, number: int = 30) -> list[CountedDocument]:
    return [counted(first + each, NOON_MS - HOUR_MS + each * 60_000) for each in range(number)]


def trends_in(said: list[Placed]) -> list[TagTrend]:
    return [TagTrend.model_validate_json(each.value or b"") for each in said if each.topic == "trends"]


def histories_in(said: list[Placed]) -> list[TagHistory]:
    return [TagHistory.model_validate_json(each.value or b"") for each in said if each.topic == "insights.tag-history"]


def test_a_burst_is_told_and_ends_by_itself_when_nothing_more_comes() -> None:
    trends, rows, clock = agent()
    before = background()

    rows.take(trends.take([record(pack(*before), 0, written_ms=NOON_MS)]))
    said = rows.take(trends.take([record(pack(*burst(len(before))), 1, written_ms=NOON_MS)]))
    assert [event.event for event in trends_in(said)] == [TrendEvent.STARTED]

    clock.now_ms += 2 * HOUR_MS
    *_, ended = trends_in(rows.take(trends.tick()))
    assert ended.event is TrendEvent.ENDED
    assert ended.at <= NOON + timedelta(hours=2)
    assert trends_in(rows.take(trends.tick())) == []


def test_time_does_not_go_on_while_documents_come() -> None:
    trends, rows, clock = agent()
    before = background()
    rows.take(trends.take([record(pack(*before, *burst(len(before))), 0, written_ms=NOON_MS)]))

    clock.now_ms += SETTINGS.grace_s * 1000 // 2

    assert rows.take(trends.tick()) == []


def test_a_restart_goes_on_as_if_there_had_been_none() -> None:
    trends, rows, clock = agent()
    before = background()
    rows.take(trends.take([record(pack(*before), 0, written_ms=NOON_MS)]))

    rows.restart(trends)
    rows.take(trends.take([record(pack(*burst(len(before))), 1, written_ms=NOON_MS)]))
    rows.restart(trends)
    again = rows.take(trends.take([record(pack(*burst(len(before))), 2, written_ms=NOON_MS)]))
    assert trends_in(again) == []
    clock.now_ms += 2 * HOUR_MS
    rows.restart(trends)

    *_, ended = trends_in(rows.take(trends.tick()))
    assert ended.event is TrendEvent.ENDED


def test_copies_that_are_found_later_withdraw_a_burst() -> None:
    trends, rows, _ = agent()
    before = background()
    outbreak = burst(len(before))
    said = rows.take(trends.take([record(pack(*before, *outbreak), 0, written_ms=NOON_MS)]))
    (started, *_) = trends_in(said)
    copies = tuple(Copy(record=f"0/{each.offset}", at_ms=each.at_ms, tags=("libya",)) for each in outbreak[1:])

    said = rows.take(trends.take([record(TagCounts(copies=copies), 1, written_ms=NOON_MS)]))

    (withdrawn,) = trends_in(said)
    assert (withdrawn.event, withdrawn.burst_id) == (TrendEvent.WITHDRAWN, started.burst_id)
    assert withdrawn.stories < started.stories


def test_a_history_is_written_once_an_interval_and_with_each_event() -> None:
    trends, rows, _ = agent()
    said = rows.take(trends.take([record(pack(*background()), 0, written_ms=NOON_MS)]))
    (first,) = histories_in(said)
    offset = len(background())
    at_ms = milliseconds(first.at) + (SETTINGS.grace_s + 1) * 1000

    same = rows.take(trends.take([record(pack(counted(offset, at_ms)), 1, written_ms=NOON_MS)]))
    later = at_ms + SETTINGS.interval_s * 1000
    after = rows.take(trends.take([record(pack(counted(offset + 1, later)), 2, written_ms=NOON_MS)]))

    assert histories_in(same) == []
    (second,) = histories_in(after)
    assert second.at - first.at == timedelta(seconds=SETTINGS.interval_s)


def test_rows_that_nothing_is_judged_by_any_more_are_dropped_and_what_is_so_late_is_not_counted() -> None:
    trends, rows, _ = agent()
    rows.take(trends.take([record(pack(*background()), 0, written_ms=NOON_MS)]))
    assert any(key.startswith(b"c/libya/") for key in rows.held[0])
    much_later = NOON_MS + 30 * 24 * HOUR_MS

    rows.take(trends.take([record(pack(counted(10_000, much_later, tag="mali")), 1, written_ms=much_later)]))
    rows.take(trends.take([record(pack(counted(10_001, NOON_MS)), 2, written_ms=much_later)]))

    assert {key.split(b"/")[1] for key in rows.held[0] if key[:1] in {b"c", b"e"}} == {b"mali"}
    assert trends.rows == 2


def test_a_document_from_the_future_is_not_counted_and_takes_nobody_along() -> None:
    trends, rows, _ = agent()
    ahead_ms = NOON_MS + 300 * 365 * 24 * HOUR_MS

    rows.take(trends.take([record(pack(counted(0, ahead_ms, tag="mali")), 0, written_ms=NOON_MS)]))
    rows.take(trends.take([record(pack(counted(1, NOON_MS)), 1, written_ms=NOON_MS)]))

    assert {key.split(b"/")[1] for key in rows.held[0] if key[:1] in {b"c", b"e"}} == {b"libya"}
