"""Files, folders and standard input -> raw records."""

import io
from pathlib import Path

import orjson
import pytest

from schemas.dead_letters import Reason
from schemas.topics import MAX_BODY_BYTES, MAX_RAW_BYTES
from services.feed.sources import Refusal, Sourced, SourceError, check, read


def found(*paths: Path | str, stdin: bytes = b"") -> list[Sourced | Refusal]:
    return list(read([str(path) for path in paths], source="tests", standard_input=io.BytesIO(stdin)))


def told(item: Sourced | Refusal) -> tuple[str, str]:
    if isinstance(item, Refusal):
        return item.id, item.reason.value
    return item.where, "found"


def test_a_folder_gives_its_known_files_sorted_and_named_by_their_path_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("z.txt", "deep/a.HTM", "notes.md", ".hidden/b.txt", ".c.txt"):
        (tmp_path / name).write_text("text")

    assert [told(item) for item in found(tmp_path)] == [("deep/a.HTM", "found"), ("z.txt", "found")]


def test_a_text_file_is_a_bare_body_with_its_name_as_id(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")

    (item,) = found(tmp_path / "a.txt")

    assert isinstance(item, Sourced)
    assert item.record.value == b"caf\xe9"
    assert dict(item.record.headers) == {"ce_id": b"a.txt", "ce_source": b"tests", "content-type": b"text/plain"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        pytest.param("a.txt", b" \n", ("a.txt", Reason.EMPTY_BODY), id="an empty file"),
        pytest.param("a.html", b"x" * (MAX_BODY_BYTES + 1), ("a.html", Reason.TOO_LARGE), id="a huge page"),
        pytest.param("a.json", b"x" * (MAX_RAW_BYTES + 1), ("a.json", Reason.TOO_LARGE), id="a huge envelope"),
        pytest.param("a.json", b"[]", ("a.json", Reason.INVALID_DOCUMENT), id="JSON, but no object"),
        pytest.param("a.json", b"", ("a.json", Reason.INVALID_DOCUMENT), id="an empty envelope"),
    ],
)
def test_what_can_be_no_document_is_refused(
    tmp_path: Path, name: str, content: bytes, expected: tuple[str, Reason]
) -> None:
    (tmp_path / name).write_bytes(content)

    (item,) = found(tmp_path / name)

    assert isinstance(item, Refusal)
    assert (item.id, item.reason) == expected


def test_json_lines_are_counted_and_empty_ones_are_skipped() -> None:
    line = orjson.dumps({"source": "x", "body": "y"})
    stdin = b"\n".join([line, b"", b"  ", b"{" + b" " * (MAX_RAW_BYTES * 2), line])

    assert [told(item) for item in found("-", stdin=stdin)] == [
        ("standard input:1", "found"),
        ("standard input:4", "too_large"),
        ("standard input:5", "found"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        pytest.param("a.jsonl", b'\n{"id": "b",', "a.jsonl:2: value: ends: column 11", id="a line of its file"),
        pytest.param("a.json", b'{"id":\n"b",', "a.json: value: ends: line 1 column 11", id="a whole file"),
    ],
)
def test_an_error_names_the_line_of_the_file(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    (item,) = found(tmp_path / name)
    assert isinstance(item, Sourced)

    refusal = item.refusal(None, Reason.INVALID_DOCUMENT, "value: ends: line 1 column 11 (char 10)")

    assert (refusal.id, refusal.message) == (item.where, told)


@pytest.mark.parametrize("path", ["nowhere.txt", "pyproject.toml"])
def test_what_cannot_be_read_is_said_before_anything_is_sent(path: str) -> None:
    with pytest.raises(SourceError, match=path):
        check(["-", path])
