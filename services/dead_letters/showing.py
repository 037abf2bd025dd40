"""One dead letter, found by its document's id or by a position -> all that can be read of it."""

from collections.abc import AsyncIterable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import orjson
from rich.text import Text

from services.core.printable import plain
from services.dead_letters.letters import DeadLetterError, Letter, rfc3339
from services.dead_letters.listing import letter_fields
from services.kafka.records import Headers

BODY_CHARACTERS: Final = 2_000
BODY_LINES: Final = 20
BINARY_BYTES: Final = 64
"""Bytes of a body that is no text, shown as hexadecimal."""
BINARY_SHARE: Final = 0.1
"""A text in another encoding has fewer bytes that UTF-8 cannot read, and a picture more."""
LABEL_WIDTH: Final = 13


@dataclass(frozen=True, slots=True)
class Found:
    letter: Letter
    """The newest."""
    older: int
    """How many more letters have that id."""


async def find(letters: AsyncIterable[Letter], wanted: str) -> Found:
    """
    Return the newest letter of a document id, or the one at a position `topic/partition/offset`.

    The position is the letter's own or, as the worker's log has it, that of the record that died. Raises
    DeadLetterError when there is none.
    """
    newest: Letter | None = None
    count = 0
    async for letter in letters:
        original = letter.original
        if wanted in {letter.id, letter.position, original and original.origin}:
            count += 1
            if newest is None or letter.record.timestamp_ms >= newest.record.timestamp_ms:
                newest = letter
    if newest is None:
        raise DeadLetterError(f"no dead letter has the id or position '{plain(wanted)}'")
    return Found(newest, count - 1)


def letter_lines(letter: Letter) -> Iterator[Text]:
    """Yield lines for a terminal. All of it is hostile: it never becomes markup, nor rules the terminal."""
    record, original = letter.record, letter.original
    yield Text(plain(letter.name), style="bold")
    yield Text.assemble(_label("reason"), (plain(letter.reason), "bold red"), f" in stage {plain(letter.stage)}")
    yield from _lines(
        ("message", letter.message),
        ("fingerprint", letter.fingerprint),
        ("died", f"{rfc3339(record.timestamp_ms)}, put back {letter.replays} times before"),
        ("letter", letter.position),
        ("came from", "not told" if original is None else f"{original.origin}, {rfc3339(original.timestamp_ms)}"),
        ("read by", letter.group or "not told"),
        ("key", _readable(record.key)),
    )
    yield from _headers(original.headers if original else record.headers)
    if letter.exception:
        yield from _lines(("exception", letter.exception))
    for line in (letter.stacktrace or "").splitlines():
        yield Text(f"    {plain(line)}", style="dim")
    yield from _body_lines(record.value)


def letter_json(letter: Letter) -> bytes:
    """Return the same as JSON; the body's start as text, with U+FFFD for what is none."""
    record = letter.record
    more = {
        "exception": letter.exception,
        "stacktrace": letter.stacktrace,
        "key": None if record.key is None else record.key.decode(errors="replace"),
        "headers": [
            [name, None if value is None else value.decode(errors="replace")] for name, value in record.headers
        ],
        "body_start": None
        if record.value is None
        else record.value[: 4 * BODY_CHARACTERS].decode(errors="replace")[:BODY_CHARACTERS],
    }
    return orjson.dumps({**letter_fields(letter), **more})


def _headers(headers: Headers) -> Iterator[Text]:
    for name, value in headers:
        yield Text.assemble(_label("header"), plain(name), ("=", "dim"), _readable(value))


def _body_lines(value: bytes | None) -> Iterator[Text]:
    if value is None:
        yield from _lines(("body", "none: the record's value is null"))
        return
    start = value[: 4 * BODY_CHARACTERS].decode(errors="replace")[:BODY_CHARACTERS]
    odd = sum(char == "\ufffd" or (char < " " and char not in "\t\r\n\f\x1b") for char in start)
    if odd > BINARY_SHARE * len(start):
        yield from _lines(("body", f"{len(value)} bytes that are no UTF-8 text"))
        yield Text(f"    {value[:BINARY_BYTES].hex(' ')}{' …' if len(value) > BINARY_BYTES else ''}", style="dim")
        return
    lines = start.splitlines()
    is_cut = len(lines) > BODY_LINES or len(value) > len(start.encode())
    yield from _lines(("body", f"{len(value)} bytes{', the start of them' if is_cut else ''}"))
    for line in lines[:BODY_LINES]:
        yield Text(f"    {plain(line)}", style="dim")


def _lines(*pairs: tuple[str, str]) -> Iterable[Text]:
    return (Text.assemble(_label(label), plain(text)) for label, text in pairs)


def _label(text: str) -> tuple[str, str]:
    return f"{text:<{LABEL_WIDTH}}", "dim"


def _readable(value: bytes | None) -> str:
    return "null" if value is None else plain(value.decode(errors="replace"))
