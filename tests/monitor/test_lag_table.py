"""What people and programs see of lag."""

import io

import orjson
import pytest
from rich.console import Console, RenderableType

from services.core.lag_status import Rules
from services.kafka.cluster import Ends, Group, Look, Member, Partition
from services.monitor.judging import Judge, Limits
from services.monitor.lag_table import NOTHING, duration, lag_lines, lag_table
from services.monitor.snapshot import Snapshot

LIMITS = Limits(Rules(), window=5, history=10)


def shown(renderable: RenderableType, width: int = 120) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width).print(renderable)
    return written.getvalue().splitlines()


async def snapshot(**groups: tuple[int, int]) -> Snapshot:
    """Groups by name: what each has committed, and of how many partitions; each ends at 100."""
    made = {
        name: Group(name, "Empty", (), {Partition("raw", number): committed for number in range(partitions)})
        for name, (committed, partitions) in groups.items()
    }
    made["well"] = Group(
        "well", "Stable", (Member("c", "h", frozenset({Partition("raw", 0)})),), {Partition("raw", 0): 100}
    )
    ends = {Partition("raw", number): Ends(0, 100, 100) for number in range(40)}
    return await Judge(LIMITS, {}).judge(Look(1_700_000_000.0, made, ends), {}, took_s=0.0)


async def test_each_partition_has_a_row_and_trouble_its_reason() -> None:
    lines = shown(lag_table(await snapshot(stopped=(90, 2))))

    assert lines[0].split() == ["group", "topic", "partition", "committed", "end", "lag", "waiting", "status"]
    assert lines[1].split() == ["stopped", "raw", "0", "90", "100", "10", "-", "STOP"]
    assert lines[2].split() == ["raw", "1", "90", "100", "10", "-", "STOP"]
    assert lines[3].split() == ["well", "raw", "0", "100", "100", "0", "0", "s", "OK"]
    assert lines[4:] == ["stopped STOP raw[0]: the group has no members, and 10 offsets wait"]


async def test_on_a_small_screen_the_worst_is_on_top_and_the_rest_is_counted() -> None:
    lines = shown(lag_table(await snapshot(zulu=(90, 30)), most=10))

    assert len(lines) <= 10
    assert lines[1].startswith("zulu")
    assert "partitions more" in lines[-2]
    assert lines[-1].startswith("zulu STOP")


async def test_without_a_group_it_says_so() -> None:
    empty = await Judge(LIMITS, {}).judge(Look(0.0, {}, {}), {}, took_s=0.0)

    assert " ".join(shown(lag_table(empty))) == NOTHING


async def test_a_line_has_all_of_a_partition() -> None:
    first = orjson.loads(next(iter(lag_lines(await snapshot(stopped=(90, 1))))))

    assert first == {
        "at": "2023-11-14T22:13:20.000Z",
        "group": "stopped",
        "topic": "raw",
        "partition": 0,
        "committed": 90,
        "low": 0,
        "end": 100,
        "lag": 10,
        "lag_seconds": None,
        "blocked": 0,
        "lost": 0,
        "owner": None,
        "status": "STOP",
        "why": "the group has no members, and 10 offsets wait",
    }


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"), (0.0, "0 s"), (0.44, "0.4 s"), (9.96, "10.0 s"), (12.3, "12 s"), (119.0, "119 s"),
        (120.0, "2 min"), (7200.0, "2 h"), (86_400.0 * 3, "3 d"),
    ],
)  # fmt: skip
def test_a_time_for_people(seconds: float | None, expected: str) -> None:
    assert duration(seconds) == expected
