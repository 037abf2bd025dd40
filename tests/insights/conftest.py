"""An installation for each test, and the times that recoveries took."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.insights.harness import TIMES, Installation, installation


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print how long it took until insights had caught up again: it is told, and not judged."""
    for what, times in config.stash[TIMES].items():
        terminalreporter.write_line(f"insights: {what}: {', '.join(f'{each:.1f}' for each in times)} s")


@pytest.fixture
async def running(kafka: str, prefix: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(kafka, prefix, tmp_path) as started:
        yield started


@pytest.fixture
def took(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Note how long something took."""

    def note(what: str, seconds: float) -> None:
        request.config.stash[TIMES].setdefault(what, []).append(seconds)

    return note
