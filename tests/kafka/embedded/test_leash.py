import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from services.kafka.embedded import leash

STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", file=sys.stderr, flush=True)
time.sleep(60)
"""

OWNER_THAT_FORKS = """
import os, subprocess, sys, time
leash = subprocess.Popen(
    [sys.executable, sys.argv[1], "1", "sleep", "60"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
)
program = int(leash.stdout.readline())
child = os.fork()
if child:
    print(program, child, flush=True)
time.sleep(60)
"""


@contextmanager
def leashed(*program: str, grace_s: float = 5) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, leash.__file__, str(grace_s), *program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        yield process


@pytest.mark.parametrize(("program", "expected"), [
    pytest.param("raise SystemExit(7)", 7, id="its own"),
    pytest.param("import os; os.kill(os.getpid(), 9)", 128 + 9, id="of a signal"),
])  # fmt: skip
def test_the_status_is_the_programs(program: str, expected: int) -> None:
    with leashed(sys.executable, "-c", program) as process:
        assert process.wait(10) == expected


def test_the_program_ends_when_the_owner_lets_go() -> None:
    with leashed("sleep", "60") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert int(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 128 + signal.SIGTERM


def test_a_program_that_will_not_end_is_killed_after_the_grace() -> None:
    with leashed(sys.executable, "-c", STUBBORN, grace_s=0.2) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert process.stderr.readline() == b"deaf\n"
        process.stdin.close()
        assert process.wait(10) == 128 + signal.SIGKILL


def test_a_dead_owners_child_that_holds_the_pipe_does_not_keep_the_program() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER_THAT_FORKS, leash.__file__], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        program, child = map(int, owner.stdout.readline().split())
        owner.kill()
        owner.wait()
        try:
            deadline = time.monotonic() + 10
            while has_not_ended(program):
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            os.kill(child, signal.SIGKILL)


def has_not_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
