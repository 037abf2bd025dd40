"""`tagwire up` and `tagwire demo` as a user runs them: one command, and nothing is left behind."""

import asyncio
import os
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.brokers import until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.usefixtures("kafka")  # or skipped, where the embedded broker cannot be had


@asynccontextmanager
async def tagwire(*arguments: str, cwd: Path = ROOT) -> AsyncIterator[Process]:
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments), stdout=PIPE, stderr=STDOUT, cwd=cwd
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def output_until(process: Process, text: str) -> str:
    """Return what the process has said when `text` is among it."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60):
        while text not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    return said


def descendants(pid: int) -> set[int]:
    """Return the pids of all processes below one, by /proc."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: set[int] = set()
    todo = [pid]
    while todo:
        children = parents.get(todo.pop(), [])
        found.update(children)
        todo += children
    return found


def running(pids: set[int]) -> set[int]:
    alive = set()
    for pid in pids:
        with suppress(OSError):
            if " Z " not in Path(f"/proc/{pid}/stat").read_text():
                alive.add(pid)
    return alive


def services_below(pid: int, command: str) -> list[int]:
    named = f"\0{command}\0".encode()
    return [below for below in descendants(pid) if named in Path(f"/proc/{below}/cmdline").read_bytes()]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, which Linux has")


@needs_proc
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
async def test_up_ends_with_everything_that_it_started(tmp_path: Path, number: signal.Signals, status: int) -> None:
    async with tagwire("up", "--port", "0", "--data", str(tmp_path / "data")) as process:
        await output_until(process, "Ctrl-C ends all")
        started = descendants(process.pid)
        assert len(started) >= 8  # Kafka, a worker, insights and the monitor, each on a leash

        process.send_signal(number)

        assert await process.wait() == status

        async def all_gone() -> bool:
            return not running(started)

        await until(all_gone, within_s=20)


@needs_proc
@pytest.mark.parametrize(
    ("command", "named"), [("worker", "A worker"), ("insights", "The process of insights")], ids=["worker", "insights"]
)
async def test_up_says_so_when_a_part_dies(tmp_path: Path, command: str, named: str) -> None:
    async with tagwire("up", "--port", "0", "--data", str(tmp_path / "data"), "--no-monitor") as process:
        await output_until(process, "Ctrl-C ends all")
        for pid in services_below(process.pid, command):
            os.kill(pid, signal.SIGKILL)

        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
        assert f"{named} has ended by itself" in said
        assert await process.wait() == 1


async def test_up_has_a_monitor_even_where_its_port_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("TAGWIRE_MONITOR_HTTP_PORT", str(taken.getsockname()[1]))
        async with tagwire("up", "--port", "0", "--data", str(tmp_path / "data"), "--no-insights") as process:
            address = re.search(r"monitor +(\S+)\n", await output_until(process, "Ctrl-C ends all"))
            assert address

            async def is_well() -> bool:
                with suppress(aiohttp.ClientError):
                    async with aiohttp.ClientSession() as http, http.get(f"{address[1]}/api/v1/overview") as answer:
                        return answer.status == 200 and bool((await answer.json())["is_well"])
                return False

            await until(is_well, within_s=30)
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0


async def test_what_was_published_is_still_there_after_a_restart(tmp_path: Path) -> None:
    up = ("up", "--port", "0", "--data", str(tmp_path / "data"), "--no-insights")
    for command in (("publish", "seeds/000_2da34e0ed95bd839.txt"), ("tail", "--from-start", "-n", "1", "--json")):
        async with tagwire(*up) as process:
            said = await output_until(process, "Ctrl-C ends all")
            address = re.search(r"Kafka +(\S+)\n", said)
            assert address
            async with tagwire(*command, "-b", address[1]) as client:
                answer, _ = await asyncio.wait_for(client.communicate(), 60)
                assert client.returncode == 0, answer
            process.send_signal(signal.SIGINT)
            await process.wait()

    assert b"Dunford" in answer


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "a.txt").write_text(
        "A suicide bomber from ISIS killed four people in Tripoli, Libya, police said on Monday."
    )
    (folder / "b.txt").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" * 40)
    (folder / "b.expected.yaml").write_text("about: no text\nrejected: not_text\n")
    return folder


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        pytest.param({"tags": ["libya", "terrorism"]}, 0, id="all as expected"),
        pytest.param({"tags": ["libya", "sport"]}, 1, id="a tag is missing"),
        pytest.param({"rejected": "no_text"}, 1, id="not rejected"),
    ],
)
async def test_demo_judges_each_seed(seeds: Path, expected: dict[str, object], status: int) -> None:
    judgement = {"about": "a bomb", "maybe": ["crime", "armed-conflict"], **expected}
    (seeds / "a.expected.yaml").write_text(yaml.safe_dump(judgement))

    async with tagwire("demo", "--exit", "--no-insights", "--seeds", str(seeds)) as process:
        assert process.stdout is not None
        said = (await process.stdout.read()).decode()
        await process.wait()

    assert process.returncode == status, said
    assert "not_text" in said
    assert f"{2 - status} of 2 documents came out as expected" in said


async def test_demo_shows_a_burst_and_a_story_and_ends_with_nothing_left_to_read(seeds: Path) -> None:
    (seeds / "a.expected.yaml").write_text("about: a bomb\nmaybe: [libya, terrorism, crime, armed-conflict]\n")

    async with tagwire("demo", "--exit", "--seeds", str(seeds)) as process:
        said = await output_until(process, "Lag 0 in tagwire-clean-route and tagwire-insights")
        assert process.stdout is not None
        said += (await process.stdout.read()).decode()
        await process.wait()

    assert process.returncode == 0, said
    assert re.search(r"\d+ of \d+ tags bursts?, as of", said)
    assert re.search(r"^libya +[▁▂▃▄▅▆▇█]+  24 h$", said, re.MULTILINE)
    assert re.search(r"by chance 1 in .*; since \d\d:\d\d", said)
    assert re.search(r"^\d+ documents of \d+ sources are one story$", said, re.MULTILINE)
    assert "✗" not in said


async def test_demo_without_seeds_is_one_sentence(tmp_path: Path) -> None:
    async with tagwire("demo", "--exit", "--seeds", str(tmp_path)) as process:
        said, _ = await process.communicate()

    assert process.returncode == 1
    assert said.decode().startswith("tagwire: ")
    assert "--seeds" in said.decode()
