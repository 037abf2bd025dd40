"""`tagwire process`: documents in, classified documents out, in order, without Kafka and on every core."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Final

from services.feed.sources import Refusal, Sourced
from services.telemetry import configure_logs
from services.worker.flow import JOURNEY, Resources, load_resources
from services.worker.transform import Plan, transform

CHUNK: Final = 16
"""Documents that a child gets at once."""
CHUNKS_AHEAD: Final = 4
"""Chunks under way for each child, so that none waits and memory stays bounded."""
WORTH_CHILDREN: Final = 64
"""Fewer documents are done sooner than a child has started."""

_PLAN: Final = Plan(JOURNEY[:-1], group="")
_resources: Resources | None = None
"""Of a child process."""


class ProcessError(Exception):
    """The run cannot go on; the message says why."""


def process(items: Iterable[Sourced | Refusal], *, jobs: int) -> Iterator[bytes | Refusal]:
    """
    Yield one result for each item, in order: a classified document as JSON, or why there is none.

    `jobs` is the number of child processes; few documents are processed right here. Raises ProcessError when a child
    dies.
    """
    first = list(islice(iterator := iter(items), WORTH_CHILDREN))
    if jobs == 1 or len(first) < WORTH_CHILDREN:
        resources = load_resources()
        for item in chain(first, iterator):
            yield _result(item, resources)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_start_child) as children:
        try:
            under_way: deque[Future[list[bytes | Refusal]]] = deque()
            for chunk in _chunks(chain(first, iterator)):
                under_way.append(children.submit(_results, chunk))
                if len(under_way) > jobs * CHUNKS_AHEAD:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        except BrokenProcessPool:
            raise ProcessError(
                "a child process died, perhaps out of memory; --jobs 1 shows at which document"
            ) from None
        finally:
            children.shutdown(wait=False, cancel_futures=True)


def _start_child() -> None:
    global _resources  # noqa: PLW0603  # a child process has no other place to keep it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the children
    configure_logs("error")
    _resources = load_resources()


def _results(items: Sequence[Sourced | Refusal]) -> list[bytes | Refusal]:
    assert _resources is not None
    return [_result(item, _resources) for item in items]


def _result(item: Sourced | Refusal, resources: Resources) -> bytes | Refusal:
    if isinstance(item, Refusal):
        return item
    outcome = transform(item.record, _PLAN, resources)
    if outcome.reason is None:
        value = outcome.outputs[-1].value
        assert value is not None
        return value
    return Refusal(outcome.document_id or item.where, outcome.reason, outcome.message)


def _chunks(items: Iterable[Sourced | Refusal]) -> Iterator[list[Sourced | Refusal]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
