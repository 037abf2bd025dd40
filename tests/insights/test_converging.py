"""Whatever happens on the way, insights end with what the pure functions say of all documents."""

import asyncio
import shutil
from collections.abc import Callable
from random import Random
from typing import Final

import pytest

from schemas.documents import ClassifiedDocument
from tests.insights.expected import expected, published, said
from tests.insights.harness import IS_LONG, Installation, Running
from tests.insights.stream import stream

pytestmark = pytest.mark.timeout(900)

Took = Callable[[str, float], None]

KILLS: Final = 12 if IS_LONG else 3
STORIES_H: Final = 60.0 if IS_LONG else 12.0


def parts(documents: list[ClassifiedDocument], number: int) -> list[list[ClassifiedDocument]]:
    """Return the stream in pieces."""
    length = len(documents) // number + 1
    return [documents[start : start + length] for start in range(0, len(documents), length)]


async def check(running: Installation) -> None:
    """Assert that what was said is what all documents together say."""
    wanted = expected(await published(running))
    assert wanted.stories
    assert len(wanted.bursts) >= 3

    found = await said(running)

    assert found.stories == wanted.stories
    assert found.bursts == wanted.bursts


async def test_a_calm_stream(running: Installation) -> None:
    process = await running.start()
    for part in parts(stream(1, stories_h=STORIES_H), 3):
        await running.publish(part)
    await running.until_caught_up()

    await check(running)
    await shown(running, process)
    await process.leave()


async def shown(running: Installation, process: Running) -> None:
    """Assert that the process shows what it has said, and tells what is not there."""
    wanted = expected(await published(running))
    burst_id, burst = next(iter(wanted.bursts.items()))
    document_id, membership = next(iter(wanted.stories.items()))

    async def is_read() -> bool:
        return (await process.ask("/api/v1/trends"))[0] == 200

    await running.until(is_read)  # which begins when somebody asks
    status, tag = await process.ask(f"/api/v1/trends/{burst.tag}")
    assert status == 200
    assert burst_id in {each["id"] for each in tag["bursts"]}
    status, story = await process.ask(f"/api/v1/stories/{document_id}")
    assert (status, story["id"]) == (200, membership.story_id)
    status, told = await process.ask("/api/v1/stories/nobody")
    assert status == 404
    assert "nobody" in told["error"]


async def test_documents_that_come_in_another_order(running: Installation) -> None:
    await running.start()
    first, *later, last = parts(stream(2, stories_h=STORIES_H), 8)
    for part in (*reversed(later), first, last):
        await running.publish(part)
        await running.until_caught_up()

    await check(running)


async def test_a_process_killed_at_random_places(running: Installation, took: Took) -> None:
    random = Random(7)
    *killed, last = parts(stream(3, stories_h=STORIES_H), KILLS + 1)
    for part in killed:
        await running.publish(part)
        process = await running.ready()
        await asyncio.sleep(random.uniform(0, 1.5))
        await process.kill()
    await running.publish(last)
    await running.start()
    took("after a SIGKILL, from the start on", await running.until_caught_up())

    await check(running)


async def test_partitions_that_move_to_another_process_whose_owner_then_leaves(
    running: Installation, took: Took
) -> None:
    first = await running.ready()
    alone, joined, left = parts(stream(4, stories_h=STORIES_H), 3)
    await running.publish(alone)
    clock = asyncio.get_running_loop().time
    begun_s = clock()
    second = await running.start()
    await running.publish(joined)
    await running.until(second.is_ready)
    await running.until_caught_up()
    took("a second process joins, from its start on", clock() - begun_s)
    shares = [(await process.ask("/readyz"))[1]["partitions"] for process in (first, second)]
    assert all(share["trends"] for share in shares)

    await first.leave()
    await running.publish(left)
    took("the first process leaves", await running.until_caught_up())

    await check(running)
    await second.leave()


async def test_a_local_store_that_is_lost(running: Installation, took: Took) -> None:
    before, after = parts(stream(5, stories_h=STORIES_H), 2)
    process = await running.start()
    await running.publish(before)
    await running.until_caught_up()
    await process.leave()
    shutil.rmtree(running.stores)

    await running.publish(after)
    process = await running.start()
    took("after the local store was lost, from the start on", await running.until_caught_up())

    await check(running)


async def test_a_process_that_stood_still_ends_and_harms_nothing(running: Installation, took: Took) -> None:
    frozen = await running.ready()
    before, after = parts(stream(6, stories_h=STORIES_H), 2)
    await running.publish(before)
    await asyncio.sleep(0.5)
    frozen.freeze()
    other = await running.start()
    took("a process freezes, from the start of another one on", await running.until_caught_up())
    await running.publish(after[: len(after) // 2])

    frozen.thaw()
    assert await frozen.process.wait() == 1
    assert "stood still" in frozen.said.splitlines()[-1]
    await running.publish(after[len(after) // 2 :])
    await running.until_caught_up()

    await check(running)
    await other.leave()
