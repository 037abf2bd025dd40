"""Child processes: a document costs itself at most, and what happens to a child costs nobody anything."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from schemas import headers
from schemas.dead_letters import Reason
from services.kafka.records import Record, header
from services.worker.children import Child, ChildDied, PoolError, PoolLimits
from services.worker.flow import JOURNEY
from services.worker.pool import Pool, regroup
from services.worker.transform import Plan
from tests.articles import article
from tests.brokers import until

PLAN = Plan(JOURNEY, "tagwire-clean-route")
LIMITS = PoolLimits(children=2, document_cpu_s=1.0, document_memory_mb=300, documents_per_child=100_000)


@asynccontextmanager
async def pool(limits: PoolLimits = LIMITS, child_module: str = "tests.faults.child") -> AsyncIterator[Pool]:
    async with Pool(PLAN, limits, child_module=child_module) as running:
        yield running


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Pool]:
    async with pool() as running:
        yield running


def record(number: int, body: str | None = None) -> Record:
    key, value = article(number)
    if body is not None:
        value = orjson.dumps({"id": key.decode(), "source": "tests", "body": body})
    return Record("documents.raw", 0, number, 1_700_000_000_000, key, value)


async def test_outcomes_are_in_the_order_of_their_records(shared: Pool) -> None:
    records = [record(number) for number in range(300)]

    outcomes = await shared.process(records)

    assert [outcome.document_id for outcome in outcomes] == [f"article-{number}" for number in range(300)]
    assert {outcome.reason for outcome in outcomes} == {None}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("hang", Reason.TIMEOUT),
        ("hang-natively", Reason.TIMEOUT),
        ("bloat", Reason.MEMORY),
        ("segfault", Reason.CRASHED),
        ("abort", Reason.CRASHED),
        ("exit", Reason.CRASHED),
        ("killed", Reason.CRASHED),
        ("raise", Reason.STEP_FAILED),
        ("recurse", Reason.STEP_FAILED),
    ],
)
async def test_a_document_that_misbehaves_costs_itself_only(shared: Pool, word: str, reason: Reason) -> None:
    records = [record(number) for number in range(40)]
    records[20] = record(20, f"A document that asks for !{word}! in its text.")

    outcomes = await shared.process(records)

    assert {n: outcome.reason for n, outcome in enumerate(outcomes) if outcome.reason} == {20: reason}
    (letter,) = outcomes[20].outputs
    assert letter.value == records[20].value
    assert header(letter.headers, headers.DLQ_REASON) == reason
    assert header(letter.headers, headers.DLQ_STAGE) == "clean"


async def test_several_that_misbehave_at_once_are_each_found(shared: Pool) -> None:
    bad = {3: "segfault", 4: "hang", 5: "exit", 17: "bloat", 39: "abort"}
    records = [record(n, f"!{bad[n]}!" if n in bad else None) for n in range(40)]

    outcomes = await shared.process(records)

    assert {n for n, outcome in enumerate(outcomes) if outcome.reason} == set(bad)


async def test_a_child_that_stands_still_is_given_up() -> None:
    limits = PoolLimits(children=1, document_cpu_s=0.5, document_memory_mb=300, documents_per_child=100)
    async with pool(limits) as one:
        outcomes = await one.process([record(0), record(1, "!stand-still!"), record(2)])

    assert [outcome.reason for outcome in outcomes] == [None, Reason.TIMEOUT, None]


async def test_a_document_is_not_blamed_for_a_child_that_somebody_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGWIRE_TEST_FLAG", str(tmp_path / "killed"))
    async with pool() as two:
        outcomes = await two.process([record(0), record(1, "Rain fell in Peru. !killed-once! It was warm."), record(2)])

        assert two.restarts == 1
    assert {outcome.reason for outcome in outcomes} == {None}


async def test_children_killed_while_idle_are_replaced_and_nobody_is_blamed() -> None:
    async with pool() as two:
        for _ in range(3):
            for child in list(two._children):
                child.process.send_signal(signal.SIGKILL)
            outcomes = await two.process([record(number) for number in range(4)])
            assert {outcome.reason for outcome in outcomes} == {None}


async def test_an_error_of_our_own_costs_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the pool would have one less each time, and wait for ever with none."""
    async with pool(PoolLimits(children=1, document_cpu_s=1.0, document_memory_mb=300, documents_per_child=10)) as one:
        with monkeypatch.context() as broken:
            broken.setattr(Child, "work", fails)
            with pytest.raises(ValueError, match="a bug"):
                await one.process([record(1)])

        (outcome,) = await one.process([record(2)])

    assert outcome.document_id == "article-2"


async def fails(*_: object) -> None:
    raise ValueError("a bug")


async def test_children_killed_at_random_while_busy_lose_nothing() -> None:
    async with pool() as two:

        async def kill_now_and_then() -> None:
            while True:
                await asyncio.sleep(0.05)
                # One that is new works a little first, or nothing would ever be done.
                ripe = [child for child in two._children if child.processed > 100 and child.process.returncode is None]
                for child in ripe[:1]:
                    child.process.send_signal(signal.SIGKILL)

        killer = asyncio.create_task(kill_now_and_then())
        batches = [await two.process([record(n) for n in range(start, start + 100)]) for start in range(0, 1500, 100)]
        killer.cancel()

        assert two.restarts > 0
    outcomes = [outcome for batch in batches for outcome in batch]
    assert Counter(outcome.document_id for outcome in outcomes) == {f"article-{n}": 1 for n in range(1500)}
    # Twice in the same document is possible, and then it is a dead letter rather than lost.
    assert {outcome.reason for outcome in outcomes} <= {None, Reason.CRASHED}


async def test_a_child_is_renewed_after_its_documents_and_none_is_lost() -> None:
    limits = PoolLimits(children=1, document_cpu_s=5, document_memory_mb=300, documents_per_child=50)
    async with pool(limits) as one:
        (first,) = one._children
        outcomes = await one.process([record(number) for number in range(200)])

        async def is_renewed() -> bool:
            await one.process([record(0)])
            return first not in one._children

        await until(is_renewed, within_s=20)
        assert one.restarts == 0

    assert len(outcomes) == 200
    assert {outcome.reason for outcome in outcomes} == {None}


async def test_who_no_longer_waits_does_no_harm_to_the_next(shared: Pool) -> None:
    given_up = asyncio.create_task(shared.process([record(number) for number in range(200)]))
    await asyncio.sleep(0.05)
    given_up.cancel()

    outcomes = await shared.process([record(number) for number in range(500, 520)])

    assert [outcome.document_id for outcome in outcomes] == [f"article-{number}" for number in range(500, 520)]


async def test_children_that_do_not_start_are_one_sentence() -> None:
    with pytest.raises(PoolError, match="status 1"):
        async with pool(child_module="tests.faults.no_such_module"):
            pass


async def test_no_child_outlives_its_pool() -> None:
    async with pool() as two:
        pids = [child.process.pid for child in two._children]
        working = asyncio.create_task(two.process([record(0, "!hang!")]))
        await asyncio.sleep(0.2)
    await asyncio.gather(working, return_exceptions=True)

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize(
    ("group", "index", "reason", "before", "again", "guilty"),
    [
        pytest.param([4, 5, 6], 1, Reason.TIMEOUT, 0, [[4, 6]], 5, id="a limit is certain at once"),
        pytest.param([5], 0, Reason.MEMORY, 0, [], 5, id="and leaves nothing when alone"),
        pytest.param([4, 5, 6], 1, Reason.CRASHED, 0, [[4, 6], [5]], None, id="a crash is tried again alone"),
        pytest.param([5], 0, Reason.CRASHED, 1, [], 5, id="and is certain the second time"),
        pytest.param([4, 5], None, Reason.CRASHED, 0, [[4], [5]], None, id="before any document: each alone"),
        pytest.param([5], None, Reason.CRASHED, 1, [[5]], None, id="before the only one: again"),
        pytest.param([5], None, Reason.CRASHED, 2, [], 5, id="and the third time it is the one"),
    ],
)
def test_who_is_tried_again_and_who_is_guilty(
    group: list[int], index: int | None, reason: Reason, before: int, again: list[list[int]], guilty: int | None
) -> None:
    deaths = Counter({5: before})

    assert regroup(group, ChildDied(index, 0, reason), deaths) == (again, guilty)
