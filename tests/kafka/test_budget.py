"""Bytes to take and to give back: never more than the limit in work, and nobody waits for ever."""

import asyncio

from services.kafka.budget import ByteBudget
from tests.brokers import until


async def test_who_fits_passes_at_once() -> None:
    budget = ByteBudget(100)

    await budget.take(60)
    await budget.take(40)

    assert budget.taken == 100


async def test_who_does_not_fit_waits_until_enough_is_given_back() -> None:
    budget = ByteBudget(100)
    await budget.take(60)
    await budget.take(30)
    waiting = asyncio.create_task(budget.take(50))
    await asyncio.sleep(0)

    budget.give_back(30)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    budget.give_back(60)
    await waiting

    assert budget.taken == 50


async def test_one_larger_than_the_budget_passes_alone() -> None:
    budget = ByteBudget(100)
    await budget.take(1)
    large = asyncio.create_task(budget.take(500))
    await asyncio.sleep(0.01)
    assert not large.done()

    budget.give_back(1)
    await large

    assert budget.taken == 500


async def test_one_who_gives_up_waiting_holds_nothing_and_wakes_the_others() -> None:
    budget = ByteBudget(100)
    await budget.take(100)
    gives_up, stays = asyncio.create_task(budget.take(80)), asyncio.create_task(budget.take(70))
    await asyncio.sleep(0)
    gives_up.cancel()
    await asyncio.wait({gives_up})

    budget.give_back(100)
    await stays

    assert budget.taken == 70


async def test_many_who_take_and_give_back_never_exceed_the_limit() -> None:
    budget = ByteBudget(100)
    most = 0

    async def use(size_bytes: int) -> None:
        nonlocal most
        await budget.take(size_bytes)
        most = max(most, budget.taken)
        await asyncio.sleep(0)
        budget.give_back(size_bytes)

    users = [asyncio.create_task(use(size_bytes)) for size_bytes in (10, 90, 50, 60, 100, 1) * 20]
    await until(lambda: all_done(users), within_s=30)

    assert most <= 100
    assert budget.taken == 0


async def all_done(tasks: list[asyncio.Task[None]]) -> bool:
    return all(task.done() for task in tasks)
