"""Workers are killed, frozen, slow, and come and go: each document comes out once, and its versions in order."""

import asyncio
import random
from collections.abc import Callable

import pytest

from services.kafka.offsets import until_group_works
from tests.faults.conftest import of
from tests.faults.harness import DEADLINE_S, GROUP, OBEYING, Count, Installation, Worker, document, documents, feeding
from tests.faults.worker import LATE_COMMITS, REBALANCE_TIMEOUT_MS

pytestmark = pytest.mark.timeout(900)

THROWN_OUT = "member_id was not recognized"
"""What aiokafka logs when the group has gone on without a member."""
Note = Callable[[str, Count], None]


async def test_workers_killed_in_random_places(running: Installation, note: Note, run: int) -> None:
    chance = random.Random(run)
    kills = of(short=3, long=10)
    keys = of(short=600, long=1500)
    for version in range(1, kills + 1):
        # Nobody is at work yet, so there is enough to do when the moment comes.
        await running.publish([document(number, version) for number in range(keys)])
        before = await running.written()
        worker = await running.worker()
        await running.until_written(chance.randrange(1, keys), since=before)
        await asyncio.sleep(chance.uniform(0, 0.1))  # so that it is not always at the same point of a transaction
        await worker.kill()
    await running.publish([document(number, kills + 1) for number in range(keys)])
    last = await running.worker()
    await running.until(running.drained)

    count = await running.count()

    note(f"1 SIGKILL of the worker in random places, {kills} a run", count)
    assert count.harm() == {}
    assert count.letters == ()
    await last.leave()


@pytest.mark.parametrize("with_children", [pytest.param(False, id="alone"), pytest.param(True, id="children too")])
async def test_a_zombie(running: Installation, note: Note, with_children: bool) -> None:
    """It stops in the middle of its work, for longer than the session; another takes over; it wakes up."""
    keys = of(short=1500, long=3000)
    zombie, heir = await running.worker(), await running.worker()
    await members_work(running, 2)
    await running.publish(documents(keys=keys, versions=3))
    await running.until_written(keys // 4)
    zombie.freeze(with_children=with_children)
    await running.until(running.drained)
    zombie.thaw()
    await running.publish([document(number, version=4) for number in range(keys)])
    await members_work(running, 2)
    await running.until(running.drained)

    count = await running.count()

    what = "worker and children" if with_children else "worker"
    note(f"2 SIGSTOP of the {what} beyond the session, another takes over, SIGCONT", count)
    assert count.harm() == {}
    assert count.letters == ()
    await leave(zombie, heir)


async def test_work_and_commits_slower_than_the_rebalance_timeout(running: Installation, note: Note) -> None:
    """The first worker is thrown out of the group with work and with open transactions; its heir does them again."""
    keys = of(short=300, long=2000)
    slow = {REBALANCE_TIMEOUT_MS: "3000"}
    body = f"Rain fell in Peru on Monday. !slow-{of(short=5, long=12)}! It was warm."
    slow_ones = range(20, of(short=21, long=24))
    await running.publish(
        [document(n, v, body if v == 1 and n in slow_ones else None) for v in (1, 2, 3) for n in range(keys)]
    )
    first = await running.worker(OBEYING, **slow, **{LATE_COMMITS: "4x9"})
    await members_work(running, 1)
    await running.until_written(1)
    second = await running.worker(OBEYING, **slow)
    await running.until(running.drained)
    await members_work(running, 2)

    count = await running.count()

    note("3 steps and commits slower than the rebalance timeout while another worker joins", count)
    assert count.harm() == {}
    assert count.letters == ()
    assert THROWN_OUT in first.log.read_text()
    await leave(first, second)


async def test_workers_that_come_and_go(running: Installation, note: Note) -> None:
    staying = await running.worker()
    async with feeding(running, documents_s=of(short=100, long=150)):
        for _ in range(of(short=3, long=10)):
            guest = await running.worker()
            await members_work(running, 2)
            await running.until_written(200)
            await guest.leave()
    await running.until(running.drained)

    count = await running.count()

    note("4 workers joining and leaving every few seconds under load", count)
    assert count.harm() == {}
    assert count.letters == ()
    await staying.leave()


async def members_work(running: Installation, members: int) -> None:
    """Wait until the group has so many members, each with its partitions."""
    await asyncio.wait_for(
        until_group_works(running.settings, running.settings.group(GROUP), members=members), DEADLINE_S
    )


async def leave(*workers: Worker) -> None:
    await asyncio.gather(*(worker.leave() for worker in workers))
