"""What is kept of insights -> lines for a terminal. Titles, sources and ids are hostile: they never become markup."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from schemas.insights import TagHistory, TagTrend, TrendDocument, TrendEvent
from services.core.printable import plain
from services.insights.kept import OVER, Kept, Story
from services.insights.telling import BLOCKS, SIGNS, counted, fit, number, odds, span, spark, why_now

NAME_WIDTH: Final = 10
TOTAL_WIDTH: Final = 16
LONGEST_LINE: Final = 96
"""Signs in a spark line; wider ones are no easier to read."""
EXAMPLES: Final = 3
"""Documents that are told of each burst where several are told."""
ENDED: Final = 5
SHOWN_BURSTS: Final = 10

STATES: Final = {
    TrendEvent.STARTED: "goes on",
    TrendEvent.GREW: "goes on",
    TrendEvent.ENDED: "over",
    TrendEvent.WITHDRAWN: "withdrawn",
}


def signs_for(encoding: str) -> str:
    """Return the signs of a spark line that an encoding can say."""
    try:
        BLOCKS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return SIGNS
    return BLOCKS


def trends_screen(kept: Kept, *, width: int, signs: str) -> Iterator[RenderableType]:
    """Yield each tag that bursts with its spark line and some documents, then what is over."""
    bursting = kept.bursting()
    if kept.at is not None and bursting:
        are = "bursts" if len(bursting) == 1 else "burst"
        yield Text(f"{len(bursting)} of {counted(kept.tags, 'tag')} {are}, as of {_time(kept.at)}", style="bold")
    tag_width = max((len(history.tag) for history in bursting), default=0)
    for history in bursting:
        assert history.burst is not None
        yield ""
        yield from burst_lines(history, history.burst, tag_width=tag_width, width=width, signs=signs)
    ended = kept.ended(ENDED)
    if ended:
        yield ""
        yield Text("Over", style="bold")
    for trend in ended:
        most = f"at most {counted(trend.peak_stories, 'story')} in {span(trend.window_s)}"
        yield Text.assemble((f"    {_range(trend.started_at, trend.at)}  ", "dim"), (trend.tag, "cyan"), f"  {most}")


def burst_lines(history: TagHistory, trend: TagTrend, *, tag_width: int, width: int, signs: str) -> Iterator[Text]:
    """Yield a tag with its spark line, what makes it burst, and some documents that did."""
    line, seconds = _stories(history, width - tag_width - NAME_WIDTH, signs)
    yield Text.assemble((f"{history.tag:<{tag_width}}  ", "bold cyan"), line, (f"  {span(seconds)}", "dim"))
    yield Text.assemble("    ", why_now(history), (f"; since {_utc(trend.started_at):%H:%M}", "dim"))
    yield from map(_document, trend.examples[:EXAMPLES])


def nothing_bursts(kept: Kept) -> str:
    """Return the sentence for when no tag bursts."""
    at = f" as of {_time(kept.at)}" if kept.at else ""
    return f"No tag bursts{at}; {counted(kept.tags, 'tag')} {'is' if kept.tags == 1 else 'are'} counted."


def tag_screen(
    history: TagHistory, bursts: list[TagTrend], *, is_bursting: bool, width: int, signs: str
) -> Iterator[RenderableType]:
    """Yield how a tag stands, its stories over time above what was expected, its bursts and their documents."""
    now = f"{'bursts' if is_bursting else 'does not burst'}: {why_now(history)}"
    yield Text.assemble((history.tag, "bold cyan"), (f" {now}", "bold"))
    yield ""
    yield from _chart(history, min(LONGEST_LINE, width - NAME_WIDTH - TOTAL_WIDTH), signs)
    shown = bursts[:SHOWN_BURSTS]
    if shown:
        yield ""
        yield _burst_table(shown)
    told = next((trend for trend in shown if trend.event is not TrendEvent.WITHDRAWN and trend.examples), None)
    if told:
        yield ""
        yield Text(f"Documents of the burst since {_time(told.started_at)}", style="bold")
        yield from map(_document, told.examples)


def story_screen(story: Story, document_id: str, *, most: int | None = None) -> Iterator[RenderableType]:
    """Yield the documents of a story in time order, at most so many; the one that was asked for is marked."""
    sources = counted(len({member.source for member in story.members}), "source")
    are = f"{counted(story.documents, 'document')} of {sources} {'are' if story.documents > 1 else 'is'} one story"
    yield Text(are, style="bold")
    yield Text(f"{_range(story.first.at, story.at)} UTC", style="dim")
    if gone := story.documents - len(story.members):
        yield Text(f"{counted(gone, 'document')} of it {'is' if gone == 1 else 'are'} no longer kept", style="dim")
    yield ""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("like", no_wrap=True)
    table.add_column("document", overflow="ellipsis", ratio=1)
    numbers = {member.document_id: number for number, member in enumerate(story.members, 1)}
    for member in story.members[:most]:
        is_asked = member.document_id == document_id
        table.add_row(
            Text(f"{'>' if is_asked else ' '}{numbers[member.document_id]}", style="bold cyan" if is_asked else "dim"),
            Text(f"{_utc(member.at):%m-%d %H:%M:%S}", style="dim"),
            Text(_likeness(member.similarity, numbers.get(member.duplicate_of or ""), member.duplicate_of)),
            Text.assemble(
                (plain(member.title or member.document_id), "bold" if is_asked else ""),
                "\n",
                (f"{plain(member.source)}  {plain(member.document_id)}", "dim"),
            ),
        )
    yield table
    if most is not None and len(story.members) > most:
        yield Text(f"and {counted(len(story.members) - most, 'document')} more", style="dim")


def _likeness(similarity: float | None, number: int | None, duplicate_of: str | None) -> str:
    if duplicate_of is None:
        return "-"
    share = "?" if similarity is None else f"{int(similarity * 100 + 1e-9)} %"
    return f"{share} of {number if number is not None else plain(duplicate_of)}"


def _chart(history: TagHistory, width: int, signs: str) -> Iterator[Text]:
    stories, expected = fit(history.stories, width), fit(history.expected, width)
    highest = max([*stories, *expected], default=0)
    # A fraction of a story is always expected; what is nearer to nothing than to the lowest sign is told as nothing.
    expected = [value if value > highest / (2 * len(signs)) else 0 for value in expected]
    for name, values, total, style in (
        ("stories", stories, sum(history.stories), "cyan"),
        ("expected", expected, sum(history.expected), "dim"),
    ):
        yield Text.assemble(
            (f"{name:<{NAME_WIDTH}}", "bold" if name == "stories" else "dim"),
            (spark(values, highest=highest, signs=signs), style),
            (f"  {number(total)} in all", "" if name == "stories" else "dim"),
        )
    seconds = len(history.stories) * history.interval_s
    begin = datetime.fromtimestamp(history.at.timestamp() - seconds, UTC)
    each = f", {span(seconds / len(stories))} a sign" if stories else ""
    yield Text(f"{'':<{NAME_WIDTH}}{_range(begin, history.at)} UTC{each}", style="dim")


def _stories(history: TagHistory, width: int, signs: str) -> tuple[Text, float]:
    """Return the spark line of a tag that bursts, and the seconds that it shows; the burst stands out."""
    values = fit(history.stories, max(1, min(LONGEST_LINE, width)))
    line = spark(values, highest=max(values, default=0), signs=signs)
    seconds = len(history.stories) * history.interval_s
    since = history.burst.started_at if history.burst else history.at
    window_s = history.burst.window_s if history.burst else 0
    burst_s = (history.at - since).total_seconds() + window_s
    loud = min(len(line), round(len(line) * burst_s / seconds)) if seconds else 0
    return Text.assemble((line[: len(line) - loud], "dim"), (line[len(line) - loud :], "bold red")), seconds


def _burst_table(bursts: list[TagTrend]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("burst from (UTC)", "to", "state"):
        table.add_column(name, no_wrap=True)
    for name in ("stories", "expected", "by chance"):
        table.add_column(name, justify="right", no_wrap=True)
    for trend in bursts:
        goes_on = trend.event not in OVER
        style = "bold red" if goes_on else "dim" if trend.event is TrendEvent.WITHDRAWN else None
        table.add_row(
            _time(trend.started_at).removesuffix(" UTC"),
            "" if goes_on else f"{_utc(trend.at):%H:%M}",
            STATES[trend.event],
            str(trend.peak_stories),
            number(trend.expected),
            odds(trend.peak_score),
            style=style,
        )
    return table


def _document(document: TrendDocument) -> Text:
    return Text.assemble(
        (f"    {_utc(document.at):%H:%M}  ", "dim"),
        plain(document.title or document.id),
        (f"  {plain(document.source)}", "dim"),
    )


def _range(first: datetime, last: datetime) -> str:
    begin, end = _utc(first), _utc(last)
    return f"{begin:%Y-%m-%d %H:%M} to {end:{'%H:%M' if begin.date() == end.date() else '%Y-%m-%d %H:%M'}}"


def _time(at: datetime) -> str:
    return f"{_utc(at):%Y-%m-%d %H:%M} UTC"


def _utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:  # in the years 1 and 9999
        return at
