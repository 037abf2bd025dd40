"""Lags -> a table for people, or JSON Lines for programs."""

from collections.abc import Iterable, Iterator

import orjson
from rich.table import Table

from services.monitor.lags import PartitionLag


def lag_table(lags: Iterable[PartitionLag]) -> Table:
    """Return one row for each partition, and the group's name only where it changes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("group", "topic"):
        table.add_column(name)
    for name in ("partition", "committed", "end", "lag"):
        table.add_column(name, justify="right")
    last = None
    for each in lags:
        table.add_row(
            each.group if each.group != last else "",
            each.topic,
            str(each.partition),
            _number(each.committed),
            _number(each.end),
            _number(each.lag),
            style="yellow" if each.lag else None,
        )
        last = each.group
    return table


def lag_lines(lags: Iterable[PartitionLag]) -> Iterator[bytes]:
    """Yield a JSON object for each partition; `lag` is null where it is not known."""
    for each in lags:
        yield orjson.dumps(
            {
                "group": each.group,
                "topic": each.topic,
                "partition": each.partition,
                "committed": each.committed,
                "end": each.end,
                "lag": each.lag,
            }
        )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
