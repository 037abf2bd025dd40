"""Letters -> groups of the same cause, as a table for people or JSON Lines for programs."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from rich.table import Table
from rich.text import Text

from services.core.printable import plain
from services.dead_letters.letters import Letter, Selection, rfc3339

SHOWN_ID: Final = 40
SHOWN_MESSAGE: Final = 300
"""Characters in a table; a terminal cuts further. JSON has all of it."""


@dataclass(slots=True)
class Group:
    """Letters of one reason, stage and fingerprint."""

    newest: Letter
    """The sample: what died last is the least likely to be mended already."""
    count: int = 0
    first_ms: int = 0
    last_ms: int = 0
    replayed: int = 0
    """Letters of documents that were put back before."""

    def add(self, letter: Letter) -> None:
        died_ms = letter.record.timestamp_ms
        self.first_ms = min(self.first_ms, died_ms) if self.count else died_ms
        if not self.count or died_ms >= self.last_ms:
            self.last_ms, self.newest = died_ms, without_body(letter)
        self.count += 1
        self.replayed += letter.replays > 0


async def grouped(letters: AsyncIterable[Letter], chosen: Selection) -> list[Group]:
    """Return the groups of the chosen letters, the largest first."""
    groups: dict[tuple[str, str, str], Group] = {}
    async for letter in letters:
        if chosen.includes(letter):
            key = (letter.reason, letter.stage, letter.fingerprint)
            groups.setdefault(key, Group(without_body(letter))).add(letter)
    return sorted(groups.values(), key=lambda group: (-group.count, -group.last_ms))


async def chosen_letters(letters: AsyncIterable[Letter], chosen: Selection) -> list[Letter]:
    """Return the chosen letters in the order of their death, their bodies left behind."""
    found = [without_body(letter) async for letter in letters if chosen.includes(letter)]
    return sorted(found, key=lambda letter: letter.record.timestamp_ms)


async def letter_lines(letters: AsyncGenerator[Letter], chosen: Selection) -> AsyncGenerator[bytes]:
    """Yield the chosen letters as JSON, without their bodies, as they are read: partition by partition."""
    async with aclosing(letters):
        async for letter in letters:
            if chosen.includes(letter):
                yield orjson.dumps(letter_fields(letter))


def group_table(groups: Iterable[Group]) -> Table:
    """Return one row for each group."""
    table = _table("count", "replayed", left=("fingerprint", "reason", "stage", "first", "last (UTC)", "sample"))
    for group in groups:
        letter = group.newest
        table.add_row(
            str(group.count),
            str(group.replayed or ""),
            letter.fingerprint,
            *_cause(letter),
            _short(group.first_ms),
            _short(group.last_ms),
            plain(letter.name)[:SHOWN_ID],
            _message(letter),
        )
    return table


def group_line(group: Group) -> bytes:
    """Return a group as JSON."""
    letter = group.newest
    return orjson.dumps(
        {
            "count": group.count,
            "reason": letter.reason,
            "stage": letter.stage,
            "fingerprint": letter.fingerprint,
            "first": rfc3339(group.first_ms),
            "last": rfc3339(group.last_ms),
            "replayed": group.replayed,
            "sample": {"id": letter.id, "position": letter.position},
            "message": letter.message,
        }
    )


def letter_table(letters: Iterable[Letter]) -> Table:
    """Return one row for each letter."""
    table = _table("replays", left=("fingerprint", "reason", "stage", "died (UTC)", "id", "position"))
    for letter in letters:
        table.add_row(
            str(letter.replays or ""),
            letter.fingerprint,
            *_cause(letter),
            _short(letter.record.timestamp_ms),
            plain(letter.id or "-")[:SHOWN_ID],
            letter.position,
            _message(letter),
        )
    return table


def letter_fields(letter: Letter) -> dict[str, Any]:
    """Return what `list --each` and `show` say alike of a letter; null is what it does not tell."""
    original = letter.original
    return {
        "id": letter.id,
        "position": letter.position,
        "died": rfc3339(letter.record.timestamp_ms),
        "reason": letter.reason,
        "stage": letter.stage,
        "fingerprint": letter.fingerprint,
        "message": letter.message,
        "replays": letter.replays,
        "original": None
        if original is None
        else {"position": original.origin, "time": rfc3339(original.timestamp_ms), "consumer_group": letter.group},
        "size_bytes": None if letter.record.value is None else len(letter.record.value),
    }


def total(letters: int, *, groups: int | None = None) -> str:
    """Return the line under a table."""
    if not letters:
        return "No dead letter matches."
    told = f"{letters} dead letter{'s' if letters > 1 else ''}"
    return told if groups is None else f"{told} in {groups} group{'s' if groups > 1 else ''}"


def without_body(letter: Letter) -> Letter:
    """Return what can be kept of many letters: a body may have 12 MiB."""
    original = letter.original and letter.original._replace(value=None)
    return replace(letter, record=letter.record._replace(value=None), original=original)


def _table(*right: str, left: Iterable[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    for name in left:
        table.add_column(name, no_wrap=True)
    table.add_column("message")
    return table


def _cause(letter: Letter) -> tuple[Text, str]:
    return Text(plain(letter.reason), style="bold red"), plain(letter.stage)


def _message(letter: Letter) -> Text:
    # A column that may wrap is the first to shrink, and a text that may not is cut instead.
    return Text(plain(letter.message)[:SHOWN_MESSAGE], style="dim", no_wrap=True, overflow="ellipsis")


def _short(time_ms: int) -> str:
    return rfc3339(time_ms)[5:16].replace("T", " ")
