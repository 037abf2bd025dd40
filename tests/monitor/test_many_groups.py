"""A cluster of 1,000 groups with 50 partitions each."""

import pytest

from bench.monitor import measure

LOOK_S = 15.0
"""Seconds that a look may take on a busy machine; on an idle one it is a tenth of it."""


@pytest.mark.usefixtures("kafka")  # or skipped, where the embedded broker cannot be had
async def test_a_look_at_50_000_partitions_of_groups_takes_seconds() -> None:
    figures = await measure(1000, 50, looks=2)

    assert (figures.groups, figures.rows) == (1000, 50_000)
    assert max(figures.looks_s) < LOOK_S
