"""A snapshot -> the lag of each partition: a table with reasons for people, JSON Lines for programs."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.core.lag import blocked, lost
from services.core.lag_status import SEVERITY, WRONG, Status
from services.core.printable import plain
from services.monitor.snapshot import GroupState, PartitionState, Snapshot
from services.monitor.watch import Watch

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400
NOTHING: Final = "No consumer group has committed anything, and documents.raw is not there."


def lag_table(snapshot: Snapshot, *, most: int | None = None) -> RenderableType:
    """
    Return one row for each partition, and the reason of each group's status where that is not well.

    With `most`, no more lines than these: the worst groups come first then, so that they are among them.
    """
    groups = [each for each in snapshot.groups.values() if each.partitions]
    if most is not None:
        groups.sort(key=lambda each: (-SEVERITY[each.verdict.status], not each.is_ours, each.name))
    if not groups:
        return Text(NOTHING)
    reasons = [_reason(each) for each in groups if each.verdict.status in WRONG]
    rows = [(group, each) for group in groups for each in group.partitions]
    room = len(rows) if most is None else max(1, most - len(reasons) - 2)
    table = _table(rows[:room])
    hidden = [Text(f"and {len(rows) - room} partitions more", style="dim")] if len(rows) > room else []
    return Group(table, *hidden, *reasons)


def watched(watch: Watch, *, most: int) -> RenderableType:
    """Return the table of the latest look in no more than so many lines, and why there is no later one."""
    table = lag_table(watch.snapshot, most=most - 1) if watch.snapshot is not None else Text("")
    return Group(table, Text(watch.failure, style="bold red")) if watch.failure else table


def lag_lines(snapshot: Snapshot) -> Iterator[bytes]:
    """Yield a JSON object for each partition; null is what is not known."""
    at = datetime.fromtimestamp(snapshot.at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for group in snapshot.groups.values():
        for each in group.partitions:
            yield orjson.dumps({"at": at, "group": group.name, **_fields(each)})


def duration(seconds: float | None) -> str:
    """Return a time for people: `0.4 s`, `12 min`."""
    if seconds is None:
        return "-"
    for unit_s, unit in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 or not seconds else f"{seconds:.1f} s"


def status_text(status: Status) -> Text:
    style = "bold red" if status in WRONG else "green" if status is Status.OK else "dim"
    return Text(status, style=style)


def number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _fields(each: PartitionState) -> dict[str, Any]:
    now = each.now
    return {
        "topic": each.topic,
        "partition": each.number,
        "committed": now.committed,
        "low": now.low,
        "end": now.end,
        "lag": each.lag,
        "lag_seconds": None if each.lag_s is None else round(each.lag_s, 3),
        "blocked": blocked(now),
        "lost": lost(now),
        "owner": None if each.owner is None else {"client_id": each.owner.client_id, "host": each.owner.host},
        "status": each.verdict.status,
        "why": each.verdict.why,
    }


def _table(rows: Iterable[tuple[GroupState, PartitionState]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("group", "topic"):
        table.add_column(name)
    for name in ("partition", "committed", "end", "lag", "waiting"):
        table.add_column(name, justify="right")
    table.add_column("status")
    last = None
    for group, each in rows:
        table.add_row(
            plain(group.name) if group.name != last else "",
            each.topic,
            str(each.number),
            number(each.now.committed),
            number(each.now.end),
            number(each.lag),
            duration(each.lag_s),
            status_text(each.verdict.status),
            style="yellow" if each.lag else None,
        )
        last = group.name
    return table


def _reason(group: GroupState) -> Text:
    worst = max(group.partitions, key=lambda each: SEVERITY[each.verdict.status])
    where = f"{worst.topic}[{worst.number}]"
    return Text.assemble(
        (plain(group.name), "bold"), " ", status_text(group.verdict.status), f" {where}: {group.verdict.why}"
    )
