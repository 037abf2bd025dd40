"""Coroutines -> run to their end, or until a signal, or until nobody reads what they print."""

import asyncio
import select
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from services.cli.printing import ReaderGoneError

Result = TypeVar("Result")

LOOK_S: Final = 0.2


def run(doing: Coroutine[Any, Any, Result]) -> Result:
    import uvloop

    return uvloop.run(doing)


def run_until_told(doing: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run what ends by itself once its event is set: by SIGINT or SIGTERM."""

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await doing(stop)

    run(until_told())


def run_until_interrupted(doing: Coroutine[Any, Any, None]) -> None:
    """Run until it ends by itself, or SIGINT or SIGTERM cancels it: then what it has started ends in order."""
    is_asked = False

    async def interruptible() -> None:
        task = asyncio.current_task()
        assert task is not None

        def end() -> None:
            nonlocal is_asked
            is_asked = True
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, end)
        await doing

    try:
        run(interruptible())
    except asyncio.CancelledError:
        if not is_asked:
            raise


async def while_read(doing: Coroutine[Any, Any, Result]) -> Result:
    """Do what prints now and then. Raises ReaderGoneError as soon as nobody reads, not only with the next line."""
    working, leaving = asyncio.ensure_future(doing), asyncio.ensure_future(_reader_gone())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            leaving.result()
            raise ReaderGoneError
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _reader_gone() -> None:
    """Return when the other end of standard output is closed."""
    # The loop cannot watch it: uvloop would make the pipe non-blocking, for all who have it.
    watched = select.poll()
    watched.register(sys.stdout.fileno(), 0)  # which leaves what is always told: an error, or a hang-up
    while not watched.poll(0):  # noqa: ASYNC110  # nothing tells us; we ask
        await asyncio.sleep(LOOK_S)
