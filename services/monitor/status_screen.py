"""An overview -> one screen for people: the journey, who reads it, and what is wrong."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.core.lag_status import WRONG
from services.monitor.api import GroupRow, Overview
from services.monitor.lag_table import duration, status_text
from services.subscriber.render import plain


def status_screen(overview: Overview, *, at: str) -> RenderableType:
    """`at` is where the cluster is."""
    parts: list[RenderableType] = [_topics(overview), "", _groups(overview), ""]
    return Group(Text(f"tagwire on {at}", style="bold"), "", *parts, *_sentences(overview))


def _topics(overview: Overview) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic", no_wrap=True)
    for name in ("partitions", "kept", "blocked", "in/s"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in overview.topics:
        if row.exists:
            table.add_row(row.name, str(row.partitions), str(row.held), str(row.blocked or ""), _rate(row.rate))
        else:
            table.add_row(row.name, Text("missing", style="bold red"))
    return table


def _groups(overview: Overview) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("group")
    for name in ("members", "lag", "waiting", "read/s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for row in overview.groups:
        table.add_row(
            plain(row.name),
            str(row.members),
            str(row.lag),
            duration(row.lag_seconds),
            _rate(row.rate),
            status_text(row.status),
        )
    return table


def _sentences(overview: Overview) -> Iterator[Text]:
    if overview.others.groups:
        wrong = sum(count for status, count in overview.others.by_status.items() if status in WRONG)
        told = f", {wrong} of them in trouble" if wrong else ""
        yield Text(f"{overview.others.groups} groups that read none of these topics{told}", style="dim")
    letters = overview.dead_letters
    more = "at least " if letters.is_more else ""
    yield Text(f"dead letters: {more}{letters.last_hour} in the last hour, {more}{letters.last_day} in the last day")
    if missing := [row.name for row in overview.topics if not row.exists]:
        yield Text(f"missing: {', '.join(missing)}: run `tagwire topics create`", style="bold red")
    yield from (_reason(row) for row in overview.groups if row.status in WRONG)
    for what, why in overview.errors.items():
        yield Text(f"{what} could not be read: {why}", style="red")
    yield Text("all is well", style="bold green") if overview.is_well else Text("something is wrong", style="bold red")


def _reason(row: GroupRow) -> Text:
    return Text.assemble((plain(row.name), "bold"), " ", status_text(row.status), f": {row.why}")


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"
