"""Two forms of the same scenarios: short in every test run; long, and thrice, by `make faults` for its table."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults.harness import Count, Installation, installation
from tests.faults.table import write

Size = TypeVar("Size", int, float)

IS_LONG = os.environ.get("TAGWIRE_TEST_FAULTS") == "long"
TABLE = "TAGWIRE_TEST_FAULTS_TABLE"
"""Where to write the table. Unset: nowhere."""
RUNS = 3
COUNTS = pytest.StashKey[dict[str, list[Count]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the long form only, unless it is asked for. A `-m` of the user's goes on top."""
    if IS_LONG or "long" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "run" in metafunc.fixturenames:
        metafunc.parametrize("run", range(RUNS if IS_LONG else 1))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if path := os.environ.get(TABLE):
        counts: dict[str, list[Count]] = session.config.stash[COUNTS]
        write(Path(path), counts)


def of(*, short: Size, long: Size) -> Size:
    """Return a size for the form that runs."""
    return long if IS_LONG else short


@pytest.fixture
async def running(kafka: str, prefix: str, tmp_path: Path, run: int) -> AsyncIterator[Installation]:
    """An installation on the session's broker."""
    async with installation(kafka, prefix, tmp_path, children=of(short=1, long=2)) as started:
        yield started


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str, Count], None]:
    """Take a count into the table, before it is judged."""

    def take(scenario: str, count: Count) -> None:
        request.config.stash[COUNTS].setdefault(scenario, []).append(count)

    return take
