"""Bursts of a tag, and what was said of them -> what is to be said now; and the tag's history."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from schemas.insights import TagHistory, TagTrend, TrendDocument, TrendEvent
from services.core.bursts import Burst, Step, TagSeries
from services.core.event_time import from_milliseconds, milliseconds
from services.core.tag_numbers import TagNumbers, TrendRules, score

Examples = Callable[[int, int], tuple[TrendDocument, ...]]
"""The documents to show for a stretch of time: its start, and its end that is no part of it, in ms since 1970."""

Said = Mapping[str, TagTrend]
"""Burst id -> its last event, where that is not `withdrawn`. To be kept as long as documents may come late."""

HISTORY_S: Final = 24 * 3600
"""Seconds that a history tells of."""

_SAID: Final = TypeAdapter(tuple[TagTrend, ...])


def events(tag: str, series: TagSeries, said: Said, *, until: int, examples: Examples) -> list[TagTrend]:
    """
    Return what is to be said of the bursts in windows up to `until` that has not been said, or is not so any more.

    Whoever keeps the last event of each burst, and drops those that are withdrawn, then has the bursts as they are.
    Of a burst that nothing was said of all is said, from `started` on; where numbers of the last event have changed,
    it is said again. Bursts that began before the horizon stay as they are.
    """
    numbers, rules = series.numbers, series.numbers.rules
    unsaid: list[TagTrend] = []
    found: set[str] = set()
    for burst in series.bursts(until):
        burst_id = _burst_id(tag, burst, rules)
        found.add(burst_id)
        unsaid += (_event(tag, burst, step, rules) for step in _unsaid(burst.steps, said.get(burst_id), rules))
    first = _at(until - rules.horizon, rules)
    gone = [
        _withdrawn(event, numbers)
        for burst_id, event in said.items()
        if burst_id not in found and event.started_at > first
    ]
    return [_with_examples(event, examples) for event in (*gone, *unsaid)]


def say(said: Said, told: Iterable[TagTrend], *, until: int, rules: TrendRules) -> dict[str, TagTrend]:
    """Return what is said after these events, without bursts that ended before the horizon."""
    now = dict(said)
    for event in told:
        if event.event is TrendEvent.WITHDRAWN:
            now.pop(event.burst_id, None)
        else:
            now[event.burst_id] = event
    first = _at(until - rules.horizon, rules)
    return {key: event for key, event in now.items() if event.event is not TrendEvent.ENDED or event.at > first}


def history(tag: str, series: TagSeries, *, until: int, examples: Examples) -> TagHistory:
    """Return where a tag stands at the end of an interval, and its last day."""
    numbers, rules = series.numbers, series.numbers.rules
    start = until - HISTORY_S // rules.interval_s
    going_on = [burst for burst in series.bursts(until) if burst.end is None]
    stories = sum(numbers.stories(until - rules.per_window, until))
    return TagHistory(
        tag=tag,
        at=_at(until, rules),
        interval_s=rules.interval_s,
        stories=tuple(numbers.stories(start, until)),
        expected=tuple(round(each, 3) for each in numbers.expected_between(start, until)),
        score=_rounded(score(stories, numbers.expected(until))),
        burst=_with_examples(_event(tag, going_on[0], going_on[0].steps[-1], rules), examples) if going_on else None,
    )


def intervals_until(at_ms: int, rules: TrendRules) -> int:
    """Return how many intervals have ended by then, since 1970: the last window that can be judged."""
    return at_ms // (rules.interval_s * 1000)


def said_to_bytes(said: Said) -> bytes:
    return _SAID.dump_json(tuple(said.values()))


def said_from_bytes(value: bytes) -> dict[str, TagTrend]:
    return {event.burst_id: event for event in _SAID.validate_json(value)}


def _unsaid(steps: Sequence[Step], said: TagTrend | None, rules: TrendRules) -> Sequence[Step]:
    """Return what is to be said of a burst after what was said last."""
    if said is None:
        return steps
    end = intervals_until(milliseconds(said.at), rules)
    for number, step in enumerate(steps):
        if (step.event, step.end) == (said.event, end):
            return steps[number + 1 :] or ([] if _is_told(step, said) else [step])
    return steps[-1:]


def _is_told(step: Step, said: TagTrend) -> bool:
    """Whether the event has the step's numbers."""
    told = (said.stories, said.documents, said.expected, said.score, said.peak_stories, said.peak_score)
    return told == (
        step.stories,
        step.documents,
        _rounded(step.expected),
        _rounded(step.score),
        step.peak_stories,
        _rounded(step.peak_score),
    )


def _event(tag: str, burst: Burst, step: Step, rules: TrendRules) -> TagTrend:
    return TagTrend(
        tag=tag,
        event=step.event,
        burst_id=_burst_id(tag, burst, rules),
        started_at=_at(burst.start, rules),
        at=_at(step.end, rules),
        window_s=rules.window_s,
        stories=step.stories,
        documents=step.documents,
        expected=_rounded(step.expected),
        score=_rounded(step.score),
        peak_stories=step.peak_stories,
        peak_score=_rounded(step.peak_score),
    )


def _burst_id(tag: str, burst: Burst, rules: TrendRules) -> str:
    return f"{tag}@{_at(burst.start, rules):%Y-%m-%dT%H:%M:%SZ}"


def _withdrawn(event: TagTrend, numbers: TagNumbers) -> TagTrend:
    """Return that there was none that began then, with what its first window holds now."""
    rules = numbers.rules
    end = intervals_until(milliseconds(event.started_at), rules)
    stories = sum(numbers.stories(end - rules.per_window, end))
    expected = numbers.expected(end)
    now = _rounded(score(stories, expected))
    return event.model_copy(
        update={
            "event": TrendEvent.WITHDRAWN,
            "at": event.started_at,
            "stories": stories,
            "documents": sum(numbers.documents(end - rules.per_window, end)),
            "expected": _rounded(expected.mean) if expected else 0.0,
            "score": now,
            "peak_stories": stories,
            "peak_score": now,
        }
    )


def _with_examples(event: TagTrend, examples: Examples) -> TagTrend:
    # An end is told with those of the whole burst: in its own window there is little.
    first = event.started_at if event.event is TrendEvent.ENDED else event.at
    start_ms = milliseconds(first) - event.window_s * 1000
    return event.model_copy(update={"examples": examples(start_ms, milliseconds(event.at))})


def _at(end: int, rules: TrendRules) -> datetime:
    return from_milliseconds(end * rules.interval_s * 1000)


def _rounded(value: float) -> float:
    """Return it as it is told; what differs by less is not told again."""
    return round(value, 2)
