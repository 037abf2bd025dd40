"""An overview -> one screen for people: the journey, who reads it, who works, and what is wrong."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.workers import LaneState
from services.core.lag_status import WRONG
from services.core.printable import plain
from services.monitor.api import GroupRow, Overview, WorkerRow
from services.monitor.lag_table import duration, status_text

VERSION_SHOWN: Final = 12
"""Characters of a taxonomy version: enough to tell two apart."""


def status_screen(overview: Overview, *, at: str) -> RenderableType:
    """`at` is where the cluster is."""
    parts: list[RenderableType] = [_topics(overview), "", _groups(overview), ""]
    if overview.workers:
        parts += [_workers(overview), ""]
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


def _workers(overview: Overview) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("worker", "group", "partitions"):
        table.add_column(name)
    for name in ("definitions", "version"):
        table.add_column(name, no_wrap=True)
    for name in ("up for", "heartbeat"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in overview.workers:
        told = row.heartbeat
        if told is None:
            member = Text(plain(f"{row.client_id} {row.host}"))
            table.add_row(member, Text(plain(row.group)), Text(_partitions(row)), *["-"] * 4)
            continue
        table.add_row(
            # What they say of themselves is no markup, whoever wrote it.
            Text(plain(f"{told.host}:{told.pid}")),
            Text(plain(row.group)),
            Text(_partitions(row)),
            Text(plain(told.taxonomy_version)[:VERSION_SHOWN]),
            Text(plain(told.tagwire_version)),
            duration(told.uptime_s),
            duration(told.age_s),
            style="yellow" if told.is_silent else None,
        )
    return table


def _partitions(row: WorkerRow) -> str:
    """Return the numbers, and of those that do not simply run the state: `0 1 2, backing off: 3`."""
    numbers = sorted(number for each in row.partitions.values() for number in each)
    told = row.heartbeat
    odd = {
        state: here
        for state, each in (told.states.items() if told and not told.is_silent else ())
        if state != LaneState.RUNNING and (here := [number for number in each if number in numbers])
    }
    strange = {number for each in odd.values() for number in each}
    plainly = [number for number in numbers if number not in strange]
    parts = [_listed(plainly), *(f"{plain(state).replace('_', ' ')}: {_listed(each)}" for state, each in odd.items())]
    return ", ".join(filter(None, parts)) or "none"


def _listed(numbers: list[int]) -> str:
    return " ".join(map(str, numbers))


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
    for worker in overview.workers:
        if (heartbeat := worker.heartbeat) is not None and heartbeat.is_silent:
            name = plain(f"{heartbeat.host}:{heartbeat.pid}")
            yield Text(f"worker {name} is silent: {heartbeat.why}", style="yellow")
    for what, why in overview.errors.items():
        yield Text(f"{what} could not be read: {why}", style="red")
    yield Text("all is well", style="bold green") if overview.is_well else Text("something is wrong", style="bold red")


def _reason(row: GroupRow) -> Text:
    return Text.assemble((plain(row.name), "bold"), " ", status_text(row.status), f": {row.why}")


def _rate(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f}"
