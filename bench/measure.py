"""What processes cost: CPU seconds and memory of whole trees of them, out of /proc; Linux only."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGESIZE")


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU seconds of these processes, of all below them, and of those below that have ended."""
    return sum(sum(_ticks(pid)) for root in pids for pid in tree(root)) / TICKS_PER_S


def resident_mb(pid: int) -> float:
    """Return the resident memory of one process in MiB; pages that it shares with others count in each."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES / 2**20
    return 0.0


def tree(root: int) -> list[int]:
    """Return a process and all below it."""
    found = [root]
    for pid in found:
        found += children(pid)
    return found


def children(pid: int) -> list[int]:
    below: list[int] = []
    with suppress(OSError):  # it has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                below += map(int, (task / "children").read_text().split())
    return below


def machine() -> str:
    """Return the processor, the cores that we may use and the memory, for the head of a table."""
    processor = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    memory_kb = int(next(line for line in _lines("/proc/meminfo") if line.startswith("MemTotal")).split()[1])
    return f"{processor}, {len(os.sched_getaffinity(0))} cores, {memory_kb / 2**20:.0f} GiB"


def _ticks(pid: int) -> tuple[int, ...]:
    """Return user and system time of a process, and both of its children that were waited for."""
    try:
        # The name in parentheses may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ()
    return tuple(map(int, fields[11:15]))


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
