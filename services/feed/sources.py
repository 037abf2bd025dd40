"""Files, folders and standard input -> raw records, as a producer would send them."""

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from schemas import headers
from schemas.dead_letters import Reason
from schemas.documents import MediaType
from schemas.topics import MAX_BODY_BYTES, MAX_RAW_BYTES, RAW
from services.kafka.records import Record

STANDARD_INPUT: Final = "-"
BODIES: Final = {".txt": MediaType.PLAIN, ".html": MediaType.HTML, ".htm": MediaType.HTML}
ENVELOPE: Final = ".json"
LINES: Final = (".jsonl", ".ndjson")
SUFFIXES: Final = (*BODIES, ENVELOPE, *LINES)

_IS_LINE: Final = re.compile(r":\d+$")
_POSITION: Final = re.compile(r"\bline (\d+) column (\d+) \(char \d+\)")
"""As a JSON parser names it."""


class SourceError(Exception):
    """What was named cannot be read at all: no such file, or not of a kind that is known here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that was not even sent."""

    id: str
    """Its own id, or where it stands: `batch.jsonl:17`."""
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Sourced:
    """A raw record, and where it was found."""

    record: Record
    where: str
    """Its file, and of JSON Lines the line."""

    def refusal(self, document_id: str | None, reason: Reason, message: str) -> Refusal:
        """Return it as refused, by its place where it has no id; the message names the place."""
        # Of JSON Lines the parser has seen one line, and calls it the first.
        told = r"column \2" if _IS_LINE.search(self.where) else r"line \1 column \2"
        return Refusal(document_id or self.where, reason, f"{self.where}: {_POSITION.sub(told, message)}")


def check(paths: Iterable[str]) -> None:
    """Raise SourceError for the first path that cannot be read, before anything is sent."""
    for path in paths:
        if path == STANDARD_INPUT:
            continue
        if not path:
            raise SourceError("an empty name is no file: is a variable unset?")
        if not Path(path).exists():
            raise SourceError(f"{path}: no such file or folder")
        if not (Path(path).is_dir() or Path(path).is_file()):
            raise SourceError(f"{path}: neither a file nor a folder; - reads JSON Lines from standard input")
        if Path(path).is_file() and Path(path).suffix.lower() not in SUFFIXES:
            raise SourceError(f"{path}: not a kind of file that is known here; expected {', '.join(SUFFIXES)}")


def read(paths: Iterable[str], *, source: str, standard_input: BinaryIO) -> Iterator[Sourced | Refusal]:
    """
    Yield the documents of files, of folders (all files of a known kind in them, sorted) and of `-`, JSON Lines.

    A `.txt` or `.html` file is a bare body: its id is its path inside the folder that was named, or its file name, and
    `source` is its source. Call `check` first.
    """
    for path in paths:
        if path == STANDARD_INPUT:
            yield from _lines(standard_input, "standard input")
        elif Path(path).is_dir():
            for file in sorted(Path(path).rglob("*")):
                if file.is_file() and file.suffix.lower() in SUFFIXES and not _is_hidden(file, Path(path)):
                    yield from read_file(file, Path(path), source=source)
        else:
            yield from read_file(Path(path), Path(path).parent, source=source)


def read_file(file: Path, root: Path, *, source: str) -> Iterator[Sourced | Refusal]:
    """Yield the documents of one file; ids of bare bodies are the path below `root`."""
    # A file name is bytes, and not all bytes are UTF-8; an id is text.
    name = os.fsencode(file.relative_to(root).as_posix()).decode(errors="replace")
    suffix = file.suffix.lower()
    with file.open("rb") as opened:
        if suffix in LINES:
            yield from _lines(opened, name)
        elif suffix == ENVELOPE:
            yield _envelope(opened.read(MAX_RAW_BYTES + 1), name)
        else:
            yield _body(opened.read(MAX_BODY_BYTES + 1), name, BODIES[suffix], source)


def _lines(opened: BinaryIO, name: str) -> Iterator[Sourced | Refusal]:
    number = 0
    while line := opened.readline(MAX_RAW_BYTES + 1):
        number += 1
        where = f"{name}:{number}"
        if line.strip():
            yield _envelope(line, where)
        while len(line) > MAX_RAW_BYTES and not line.endswith(b"\n"):
            line = opened.readline(MAX_RAW_BYTES + 1)


def _envelope(value: bytes, where: str) -> Sourced | Refusal:
    if len(value) > MAX_RAW_BYTES:
        return Refusal(where, Reason.TOO_LARGE, f"{where}: over {MAX_RAW_BYTES} bytes, the limit of a raw record")
    if not value.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return Refusal(where, Reason.INVALID_DOCUMENT, f"{where}: expected a JSON object with a RawDocument")
    return Sourced(_record(value, ((headers.CONTENT_TYPE, b"application/json"),)), where)


def _body(value: bytes, name: str, media_type: MediaType, source: str) -> Sourced | Refusal:
    if len(value) > MAX_BODY_BYTES:
        return Refusal(name, Reason.TOO_LARGE, f"{name}: over {MAX_BODY_BYTES} bytes, the limit of a body")
    if not value.strip():
        return Refusal(name, Reason.EMPTY_BODY, f"{name}: the file is empty")
    own = {headers.CE_ID: name, headers.CE_SOURCE: source, headers.CONTENT_TYPE: media_type.value}
    return Sourced(_record(value, tuple((key, text.encode()) for key, text in own.items())), name)


def _record(value: bytes, own: tuple[tuple[str, bytes], ...]) -> Record:
    return Record(
        topic=RAW.name, partition=0, offset=0, timestamp_ms=int(time.time() * 1000), key=None, value=value, headers=own
    )


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)
