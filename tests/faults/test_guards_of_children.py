"""Each guard of the child processes alone, with the others, which might do its work, out of the way."""

import asyncio
import mmap
import subprocess
import sys
from dataclasses import replace
from typing import Any

import orjson
import pytest

from schemas.dead_letters import Reason
from services.kafka.records import Record
from services.worker import child, pool
from services.worker.channel import MARK, NO_DOCUMENT
from services.worker.children import PoolLimits
from services.worker.flow import JOURNEY, Stage, load_resources
from services.worker.pool import Pool
from services.worker.transform import Plan
from tests.articles import article

TAKES_300_MB = """
from services.worker import child

child._limit_memory({limit_mb})
try:
    bytearray(300 * 2**20)
except MemoryError:
    print("refused")
"""


def record(number: int, body: str | None = None) -> Record:
    key, value = article(number)
    if body is not None:
        value = orjson.dumps({"id": key.decode(), "source": "tests", "body": body})
    return Record("documents.raw", 0, number, 1_700_000_000_000, key, value)


def test_the_mark_names_the_document_and_the_stage_in_work() -> None:
    marks = mmap.mmap(-1, MARK.size)
    seen: list[tuple[int, int]] = []

    def seen_by(stage: Stage) -> Stage:
        def step(document: Any, context: Any) -> Any:
            seen.append(MARK.unpack(marks[:]))
            return stage.step(document, context)

        return replace(stage, step=step)

    plan = Plan(tuple(seen_by(stage) for stage in JOURNEY), "g")
    child._process([record(0), record(1)], plan, load_resources(), child.Limits(60, 0), marks)

    assert seen == [(document, stage) for document in range(2) for stage in range(len(JOURNEY))]
    assert MARK.unpack(marks[:])[0] == NO_DOCUMENT


async def test_cpu_time_ends_a_document_and_its_child_and_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the parent's patience, which would end it later; without the mark each of the chunk would be tried."""
    monkeypatch.setattr(pool, "WALL_PER_CPU", 1_000_000)
    limits = PoolLimits(children=1, document_cpu_s=0.5, document_memory_mb=300, documents_per_child=100)
    plan = Plan(JOURNEY, "g")
    async with Pool(plan, limits, child_module="tests.faults.child") as one, asyncio.timeout(60):
        outcomes = await one.process([record(0), record(1, "!hang-natively!"), record(2)])

        assert one.restarts == 1
    assert [outcome.reason for outcome in outcomes] == [None, Reason.TIMEOUT, None]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is kept on Linux only")
@pytest.mark.parametrize(("limit_mb", "said"), [(200, "refused"), (400, "")])
def test_memory_is_limited_to_what_is_in_use_and_a_document_s_share(limit_mb: int, said: str) -> None:
    """Without the CPU limit, which ends what fills all memory, too, if there is enough of it."""
    program = [sys.executable, "-c", TAKES_300_MB.format(limit_mb=limit_mb)]

    done = subprocess.run(program, check=True, capture_output=True, text=True)

    assert done.stdout.strip() == said
