"""Child processes die, of documents or by other hands: the documents that killed are dead letters, nothing else is."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from schemas.dead_letters import Reason
from tests.brokers import Message
from tests.faults.conftest import of
from tests.faults.harness import OBEYING, Count, Installation, document, documents, feeding

pytestmark = pytest.mark.timeout(900)

Note = Callable[[str, Count], None]

HOSTILE = {
    "hang": Reason.TIMEOUT,
    "hang-natively": Reason.TIMEOUT,
    "segfault": Reason.CRASHED,
    "abort": Reason.CRASHED,
    "exit": Reason.CRASHED,
    "bloat": Reason.MEMORY,
    "raise": Reason.STEP_FAILED,
    "recurse": Reason.STEP_FAILED,
}
"""What a document asks for -> why it dies."""
MIB = 2**20
OLDEST, YOUNGEST = 0, -1
"""Of a worker's children, as the kernel lists them."""


async def test_children_killed_at_start_up_idle_and_busy(running: Installation, note: Note) -> None:
    worker = await running.worker()
    await running.until(lambda: has_children(worker.children))
    kill_one(worker.children, OLDEST)
    async with feeding(running, documents_s=100):
        await running.until_written(100)
        # In turn one that works and one that may be starting: five dead starts in a row rightly end a worker.
        for _ in range(of(short=2, long=10)):
            kill_one(worker.children, OLDEST)
            await running.until_written(100)
            kill_one(worker.children, YOUNGEST)
            await running.until_written(100)
    await running.until(running.drained)
    kill_one(worker.children, OLDEST)
    await running.publish(documents(keys=100, versions=2))
    await running.until(running.drained)

    count = await running.count()

    note("6 children killed at start-up, busy and idle", count)
    assert count.harm() == {}
    assert count.letters == ()
    await worker.leave()


async def test_hostile_documents_among_good_ones(running: Installation, note: Note) -> None:
    keys, repeats = of(short=400, long=1200), of(short=1, long=3)
    bad = {17 + 37 * n: word for n, word in enumerate([*HOSTILE] * repeats)}
    await running.publish(
        [
            document(number, version, f"It asks for !{bad[number]}! here." if number in bad and version == 2 else None)
            for version in (1, 2, 3)
            for number in range(keys)
        ]
    )
    limits = {"TAGWIRE_WORKER_DOCUMENT_CPU_S": "1", "TAGWIRE_WORKER_DOCUMENT_MEMORY_MB": "200"}
    worker = await running.worker(OBEYING, **limits, TAGWIRE_WORKER_CHILDREN="2")
    await running.until(running.drained)

    count = await running.count()

    note("8 documents that hang, crash, exhaust memory, raise or recurse among good ones", count)
    assert count.harm() == {}
    assert count.letters == tuple(sorted((f"article-{number}", HOSTILE[word]) for number, word in bad.items()))
    await worker.leave()


async def test_extreme_documents_among_good_ones(running: Installation, note: Note) -> None:
    sentence = "Rescuers in Peru reached more families on Monday, officials in Lima said. "
    page = f"<html><body><article><h1>Floods in Peru</h1><p>{sentence * 5}</p>{{}}</article></body></html>"
    extreme: dict[str, tuple[Message, Reason | None]] = {
        "10-mb": ((b"10-mb", b"Floods\n\n" + b"word " * (2 * MIB), ()), Reason.TOO_LARGE),
        "7-mb": ((b"7-mb", b"Floods in Peru\n\n" + b"word " * (7 * MIB // 5), ()), None),
        "7-mb-evident": (
            (b"7-mb-evident", sentence.encode() * (7 * MIB // len(sentence)), ()),
            Reason.OUTPUT_TOO_LARGE,
        ),
        "deep": ((b"deep", page.format("<div>" * 50_000 + sentence + "</div>" * 50_000).encode(), ()), None),
        "deep-tables": ((b"deep-tables", page.format("<table><tr><td>" * 5_000 + sentence).encode(), ()), None),
        "unclosed": ((b"unclosed", page.format("<b><i><p>" * 3_000 + sentence).encode(), ()), None),
        "attributes": ((b"attributes", page.format(f"<p {'a=b ' * 200_000}>" + sentence).encode(), ()), None),
        "tombstone": ((b"tombstone", None, ()), Reason.NULL_VALUE),
        "empty": ((b"empty", b"", ()), Reason.EMPTY_BODY),
        "zeros": ((b"zeros", bytes(MIB), ()), Reason.NOT_TEXT),
        "broken": ((b"broken", b'{"source": "tests", "body": ', ()), Reason.INVALID_DOCUMENT),
    }
    unnamed: list[Message] = [
        (key, f"Floods in Peru {n}\n\n{sentence * 5}".encode(), ()) for n, key in enumerate([None, b""] * 20)
    ]
    messages: list[Message] = []
    for version in range(1, of(short=1, long=3) + 1):
        messages += [document(number, version) for number in range(300)]
        messages += [message for message, _ in extreme.values()]
        messages += unnamed
        messages += [document(number, version + 100) for number in range(300)]
    await running.publish(messages)
    worker = await running.worker()
    await running.until(running.drained)

    count = await running.count()

    note("9 10 MB documents, deep HTML, tombstones, empty and absent keys among good ones", count)
    assert count.harm() == {}
    expected = [(name, reason) for name, (_, reason) in extreme.items() if reason] * of(short=1, long=3)
    assert count.letters == tuple(sorted(expected))
    await worker.leave()


async def test_a_bad_release_opens_the_breaker_and_a_good_one_finishes_the_work(
    running: Installation, note: Note
) -> None:
    keys = of(short=800, long=3000)
    body = "Rain fell in Peru on Monday, officials said. !raise! It was warm and the rivers rose."
    await running.publish([document(n, version, body if n % 10 else None) for version in (1, 2) for n in range(keys)])
    bad = await running.worker(OBEYING)

    async def is_open_everywhere() -> bool:
        status, told = await bad.health()
        return status == 503 and len(told["problems"]) == 4

    await running.until(is_open_everywhere)
    assert [status for status, _ in await asyncio.gather(bad.health(), bad.health("/readyz"))] == [503, 200]
    before = await running.count()
    # A probe after each pause commits nothing either.
    probes = bad.said("breaker_open")
    await running.until(lambda: said_more(bad.said("breaker_open"), probes))
    await bad.leave()
    good = await running.worker()
    await running.until(running.drained)

    count = await running.count()

    note("11 a release that fails on most documents, then one that does not", count)
    assert count.harm() == {}
    assert set(count.letters) == set(before.letters)
    assert {reason for _, reason in count.letters} <= {Reason.STEP_FAILED}
    assert count.dead <= 4 * 100
    await good.leave()


def kill_one(pids: list[int], which: int) -> None:
    with suppress(ProcessLookupError, IndexError):
        os.kill(pids[which], signal.SIGKILL)


async def has_children(pids: list[int]) -> bool:
    return bool(pids)


async def said_more(now: int, before: int) -> bool:
    return now > before
