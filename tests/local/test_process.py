"""`tagwire process`, as DESIGN fixes it: a line for each document, in order, and the others told apart."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.articles import article

TEXT = "A suicide bomber killed four people at a market in Tripoli, Libya, on Monday, police said."


def tagwire(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "services.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)


def envelope(document_id: str, body: str) -> bytes:
    return orjson.dumps({"id": document_id, "source": "tests", "body": body})


def test_each_passed_document_is_a_line_and_each_rejected_one_a_line_on_standard_error() -> None:
    lines = [
        envelope("good", TEXT),
        envelope("empty", "  "),
        b'{"id": "bad", "body": "x"}',
        b"[1]",
        envelope("last", TEXT),
    ]

    ran = tagwire("process", "-", stdin=b"\n".join(lines))

    passed = [orjson.loads(line) for line in ran.stdout.splitlines()]
    rejected = [orjson.loads(line) for line in ran.stderr.splitlines()]
    assert [document["id"] for document in passed] == ["good", "last"]
    assert [(each["id"], each["reason"]) for each in rejected] == [
        ("empty", "empty_body"),
        ("bad", "invalid_document"),
        ("standard input:4", "invalid_document"),
    ]
    assert "source" in rejected[1]["message"]
    assert ran.returncode == 1


def test_files_of_every_kind_are_taken_and_their_order_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.html").write_text(
        f"<html><body><article><h1>T</h1><p>{TEXT}</p><p>{TEXT}</p></article></body></html>"
    )
    (tmp_path / "c.json").write_bytes(envelope("from-json", TEXT))
    (tmp_path / "d.jsonl").write_bytes(envelope("line-1", TEXT) + b"\n\n" + envelope("line-2", TEXT))
    names = ["d.jsonl", "c.json", "b.html", "a.txt"]

    ran = tagwire("process", *(str(tmp_path / name) for name in names))

    assert [orjson.loads(line)["id"] for line in ran.stdout.splitlines()] == [
        "line-1",
        "line-2",
        "from-json",
        "b.html",
        "a.txt",
    ]
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_children_give_the_same_as_one_process_and_in_the_same_order() -> None:
    lines = [article(number)[1] for number in range(150)]
    lines[70] = envelope("empty", "")
    stdin = b"\n".join(lines)

    alone = tagwire("process", "-", "--jobs", "1", stdin=stdin)
    together = tagwire("process", "-", "--jobs", "2", stdin=stdin)

    def without_time(output: bytes) -> list[dict[str, object]]:
        return [{**orjson.loads(line), "received_at": None} for line in output.splitlines()]

    assert without_time(together.stdout) == without_time(alone.stdout)
    assert together.stderr == alone.stderr
    assert len(together.stdout.splitlines()) == 149


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nowhere.txt"], id="no such file"),
        pytest.param(["pyproject.toml"], id="not a kind of file that is known"),
        pytest.param([], id="nothing to process"),
        pytest.param(["-", "--jobs", "0"], id="no jobs"),
        pytest.param(["--unknown"], id="an unknown option"),
    ],
)
def test_bad_usage_is_one_sentence_and_status_2(arguments: list[str]) -> None:
    ran = tagwire("process", *arguments)

    assert ran.returncode == 2
    assert ran.stdout == b""
    assert b"Traceback" not in ran.stderr


def test_a_reader_that_goes_away_ends_the_run_quietly() -> None:
    lines = b"\n".join(article(number)[1] for number in range(100))
    command = f"{sys.executable} -m services.cli process - --jobs 1 | head -n 1"

    ran = subprocess.run(["bash", "-c", command], input=lines, capture_output=True, timeout=120, check=False)

    assert orjson.loads(ran.stdout)["id"] == "article-0"
    assert b"Traceback" not in ran.stderr


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run the command with standard output and standard error on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "services.cli", *arguments]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environment) as running:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # Linux says so when the last one has closed it
            while more := os.read(ours, 65536):
                said += more
    os.close(ours)
    return running.returncode, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).replace("\r\n", "\n")


def test_on_a_terminal_a_document_is_its_tags_unless_json_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.jsonl").write_bytes(b'\n{"id": "x", "source": "y"')

    status, seen = on_a_terminal("process", str(tmp_path))
    _, as_json = on_a_terminal("process", "--json", str(tmp_path))

    assert status == 1
    assert re.search(r"^    libya +\d\.\d\d  .*“Libya”", seen, re.MULTILINE)
    assert re.search(
        r"^b.jsonl:2\n    invalid_document +value: expected a JSON object; .* column 26$", seen, re.MULTILINE
    )
    first, second = (orjson.loads(line) for line in as_json.splitlines())
    assert {first["id"], second["id"]} == {"a.txt", "b.jsonl:2"}
