"""What every command does with its output: hints that can be typed, and a quiet end when nobody reads."""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.table import Table

from services.cli.printing import as_called, console, program
from services.kafka.settings import KafkaSettings
from tests.articles import article
from tests.brokers import Message, produce, read_committed, until
from tests.journey.conftest import settings as settings  # noqa: PLC0414  # a fixture
from tests.journey.conftest import worker


@pytest.fixture
def venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed program that PATH does not know, seen from the folder above it."""
    path = tmp_path / ".venv" / "bin" / "tagwire"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.defpath)
    return path


def test_a_program_that_path_does_not_know_is_called_by_its_path(venv: Path) -> None:
    assert program(".venv/bin/tagwire") == ".venv/bin/tagwire"
    assert program(str(venv)) == ".venv/bin/tagwire"


def test_from_elsewhere_it_is_called_by_its_whole_path(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")

    assert program(str(venv)) == (str(venv) if Path.cwd() != Path("/") else str(venv).removeprefix("/"))


def test_a_program_that_path_knows_is_called_by_its_name(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(venv.parent))

    assert program(str(venv)) == "tagwire"


def test_a_module_has_no_path_to_type() -> None:
    assert program("/x/services/cli/__main__.py") == "tagwire"


def test_only_hints_are_put_into_the_users_words(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/tagwire"])

    assert as_called("tagwire: run `tagwire up`; group tagwire-x") == (
        "tagwire: run `.venv/bin/tagwire up`; group tagwire-x"
    )


def test_help_is_whole_on_80_columns_and_without_types() -> None:
    for command in (
        [],
        ["worker"],
        ["tail"],
        ["monitor"],
        ["lag"],
        ["where"],
        ["topics", "create"],
        ["dead-letters", "redrive"],
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli", *command, "--help"],
            env={**os.environ, "COLUMNS": "80"},
            capture_output=True,
            timeout=60,
            check=True,
        )
        told = ran.stdout.decode()

        assert "<bool>" not in told
        assert "…" not in told.replace("FILE…", "")
        assert all(len(line) <= 80 for line in told.splitlines())
        assert ("TAGWIRE_KAFKA_BOOTSTRAP_SERVERS" in told) == bool(command)


async def ended(settings: KafkaSettings, *arguments: str, lines: int) -> tuple[int | None, str]:
    """Read so many lines of a command's output and close the pipe; return its status and its standard error."""
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments),
        stdout=PIPE,
        stderr=PIPE,
        env={
            **os.environ,
            "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        },
        limit=2**24,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(60):
        for _ in range(lines):
            assert await process.stdout.readline()
        process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]  # nothing public closes it
        said = await process.stderr.read()
        return await process.wait(), said.decode()


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        pytest.param(["tail", "--json", "--from-start"], 1, id="tail"),
        pytest.param(["tail", "--json", "--from-start"], 20, id="tail, when no more documents come"),
        pytest.param(["lag"], 0, id="lag"),
        pytest.param(["lag", "--watch"], 4, id="lag --watch"),
        pytest.param(["status"], 0, id="status"),
        pytest.param(["dead-letters", "list"], 0, id="dead-letters list"),
        pytest.param(["dead-letters", "list", "--each"], 1, id="dead-letters list --each"),
        pytest.param(["dead-letters", "show", "empty-1"], 0, id="dead-letters show"),
        pytest.param(["topics", "compare"], 1, id="topics compare"),
        pytest.param(["process", "seeds"], 1, id="process"),
    ],
)
async def test_a_closed_pipe_is_a_quiet_end(settings: KafkaSettings, arguments: Sequence[str], lines: int) -> None:
    messages: list[Message] = [(*article(number), ()) for number in range(20)]
    messages += [(b"empty-%d" % number, b"", ()) for number in range(20)]
    if arguments[0] in {"tail", "dead-letters"}:
        await produce(settings.bootstrap_servers, settings.topic("documents.raw"), messages)

        async def all_out() -> bool:
            topics = ("documents.classified", "documents.dead-letter")
            found = [len(await read_committed(settings.bootstrap_servers, settings.topic(topic))) for topic in topics]
            return found == [20, 20]

        async with worker(settings):
            await until(all_out, within_s=60)

    assert await ended(settings, *arguments, lines=lines) == (0, "")


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    """A group may be called so; it ended `tagwire lag` and `tagwire status`, and an id `tagwire dead-letters list`."""
    table = Table(box=None)
    table.add_column("group")
    table.add_row("[/red] [bold]x :bug:")
    with console.capture() as written:
        console.print(table, "[/red] :bug:")

    assert "[/red] [bold]x :bug:" in written.get()
    assert written.get().splitlines()[-1] == "[/red] :bug:"
