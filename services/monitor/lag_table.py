"""Group offsets -> a table for people, or JSON Lines for programs."""

from collections.abc import Iterable, Iterator

import orjson
from rich.table import Table

from services.core.lag import lag
from services.kafka.offsets import GroupOffset


def lag_table(offsets: Iterable[GroupOffset]) -> Table:
    """Return one row for each partition, and the group's name only where it changes."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("group", "topic"):
        table.add_column(name)
    for name in ("partition", "committed", "end", "lag"):
        table.add_column(name, justify="right")
    last = None
    for offset in offsets:
        behind = lag(offset.end, offset.committed)
        table.add_row(
            offset.group if offset.group != last else "",
            offset.topic,
            str(offset.partition),
            _number(offset.committed),
            _number(offset.end),
            _number(behind),
            style="yellow" if behind else None,
        )
        last = offset.group
    return table


def lag_lines(offsets: Iterable[GroupOffset]) -> Iterator[bytes]:
    """Yield a JSON object for each partition; `lag` is null where it is not known."""
    for offset in offsets:
        yield orjson.dumps(
            {
                "group": offset.group,
                "topic": offset.topic,
                "partition": offset.partition,
                "committed": offset.committed,
                "end": offset.end,
                "lag": lag(offset.end, offset.committed),
            }
        )


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
