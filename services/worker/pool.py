"""
Child processes for the pure steps: records in, outcomes out, in order, on all cores.

A document that hangs, crashes or bloats its child costs that document only: the child's shared memory names it, the
rest goes to the next child. The libraries fall short here: one breaks the whole pool when a child dies, another when an
idle one does, a third hangs for good when children are killed from outside (docs/decisions/0004).
"""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

import structlog

from schemas.dead_letters import Reason
from services.kafka import codec
from services.kafka.records import Record
from services.telemetry.metrics import CHILD_ENDS, STAGE_DURATION, ChildEnd
from services.worker.channel import Reply
from services.worker.children import CHILD_MODULE, Child, ChildDied, PoolError, PoolLimits, start_child
from services.worker.transform import Outcome, Plan, dead

log = structlog.get_logger()

Result = TypeVar("Result")

CHUNK_S: Final = 0.02
"""Estimated work that a child gets at once: little enough to share among children, enough to forget the plumbing."""
FIRST_GUESS_S_PER_BYTE: Final = 3e-7
"""1.5 ms for 5 KB, until something was measured."""
LEARNING_RATE: Final = 0.2
FAILED_STARTS: Final = 5
"""In a row, after which it is not the documents."""
START_PAUSE_S: Final = 0.5
WALL_PER_CPU: Final = 4
"""A child that stands still, without using CPU time, is given up after so many times its limit."""
DEATHS_ALLOWED: Final = {Reason.TIMEOUT: 0, Reason.MEMORY: 0, Reason.CRASHED: 1}
DEATHS_UNMARKED: Final = 2


@dataclass(slots=True)
class Errand:
    """A chunk on its way through the pool."""

    records: Sequence[Record]
    is_waiting: bool = True
    """For a child: it may be cancelled."""
    is_abandoned: bool = False
    """Nobody waits for it any more."""


class Pool:
    """Use as an async context manager; entering returns when every child is ready, leaving kills them."""

    def __init__(self, plan: Plan, limits: PoolLimits, *, child_module: str | None = None) -> None:
        """`child_module` is what a child runs; tests of faults have one of their own."""
        self.taxonomy_version = ""
        """Of the children, once they are ready."""
        self.restarts = 0
        """Children that were replaced although nobody had planned it."""
        self._plan = plan
        self._limits = limits
        self._child_module = child_module or CHILD_MODULE
        self._idle: asyncio.Queue[Child] = asyncio.Queue()
        self._children: set[Child] = set()
        self._background: set[asyncio.Task[Any]] = set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._s_per_byte = FIRST_GUESS_S_PER_BYTE

    async def __aenter__(self) -> Self:
        starts = [self._start_surely() for _ in range(self._limits.children)]
        try:
            await asyncio.gather(*starts)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(child.end() for child in self._children))
        self._children.clear()

    async def broken(self) -> None:
        """Return never; raise PoolError when children do not start any more."""
        await asyncio.shield(self._broken)

    async def process(self, records: Sequence[Record]) -> list[Outcome]:
        """
        Return the outcome of each record, in order.

        May be cancelled: what is under way then ends by itself and is thrown away.
        """
        errands = [Errand(chunk) for chunk in self._chunks(records)]
        tasks = [self._do(self._run(errand)) for errand in errands]
        try:
            return [outcome for task in tasks for outcome in await asyncio.shield(task)]
        except asyncio.CancelledError:
            for errand, task in zip(errands, tasks, strict=True):
                errand.is_abandoned = True
                if errand.is_waiting:
                    task.cancel()
            raise

    async def _run(self, errand: Errand) -> list[Outcome]:
        """Have a chunk processed by one child, or by as many as it takes."""
        records = errand.records
        outcomes: dict[int, Outcome] = {}
        deaths: Counter[int] = Counter()
        groups = deque([list(range(len(records)))])
        patience_s = WALL_PER_CPU * self._limits.document_cpu_s
        while groups and not errand.is_abandoned:
            group = groups.popleft()
            errand.is_waiting = True
            child = await self._take()
            errand.is_waiting = False
            try:
                reply = await child.work([records[index] for index in group], patience_s)
            except ChildDied as death:
                self._replace(child, ChildEnd(death.reason.value))
                again, culprit = regroup(group, death, deaths)
                groups.extendleft(reversed(again))
                if culprit is not None:
                    outcomes[culprit] = self._verdict(records[culprit], death)
            except Exception:  # ours, not the documents': the child's next reply might be this one's
                self._replace(child, ChildEnd.DIED)
                raise
            else:
                self._give_back(child)
                self._learn(records, group, reply)
                outcomes.update(zip(group, reply.outcomes, strict=True))
        return [outcomes[index] for index in range(len(records))] if not groups else []

    async def _take(self) -> Child:
        """Return an idle child that lives, as far as can be known."""
        while (child := await self._idle.get()).process.returncode is not None:
            self._replace(child, ChildEnd.DIED)
        return child

    def _verdict(self, record: Record, death: ChildDied) -> Outcome:
        stage = self._plan.stages[death.stage]
        message = {
            Reason.TIMEOUT: f"stage {stage.name} took over {self._limits.document_cpu_s:g} s of CPU time",
            Reason.MEMORY: f"stage {stage.name} took over {self._limits.document_memory_mb} MiB of memory",
            Reason.CRASHED: f"stage {stage.name} crashed its process, twice",
        }[death.reason]
        log.warning("child_died", reason=death.reason, stage=stage.name, origin=record.origin)
        # Its value has just ended a process, so this one does not look at it.
        return dead(record, self._plan, stage, death.reason, message, document_id=codec.outer_id(record))

    def _chunks(self, records: Sequence[Record]) -> list[Sequence[Record]]:
        """Cut records into chunks of about `CHUNK_S` of work each."""
        chunks: list[Sequence[Record]] = []
        first, work_s = 0, 0.0
        for index, record in enumerate(records):
            cost_s = self._s_per_byte * (record.size_bytes + 1)
            if index > first and work_s + cost_s > CHUNK_S:
                chunks.append(records[first:index])
                first, work_s = index, 0.0
            work_s += cost_s
        chunks.append(records[first:])
        return chunks

    def _learn(self, records: Sequence[Record], group: Sequence[int], reply: Reply) -> None:
        """Let the estimate follow what is measured."""
        STAGE_DURATION.add(reply.durations)
        measured = reply.seconds / sum(records[index].size_bytes + 1 for index in group)
        self._s_per_byte += LEARNING_RATE * (measured - self._s_per_byte)

    def _give_back(self, child: Child) -> None:
        if child.is_leaving:
            self._replace(child, ChildEnd.RENEWED if child.is_renewed else ChildEnd.MEMORY)
            return
        if child.processed >= self._limits.documents_per_child and not child.is_renewed:
            # It works on until its successor is ready.
            child.is_renewed = True
            self._do(self._renew(child))
        self._idle.put_nowait(child)

    async def _renew(self, child: Child) -> None:
        await self._start_again()
        child.is_leaving = True

    def _replace(self, child: Child, cause: ChildEnd) -> None:
        CHILD_ENDS.labels(cause).inc()
        self.restarts += cause is not ChildEnd.RENEWED
        self._children.discard(child)
        self._do(child.end())
        if not child.is_renewed:
            self._do(self._start_again())

    async def _start_again(self) -> None:
        try:
            await self._start_surely()
        except PoolError as error:
            if not self._broken.done():
                self._broken.set_exception(error)

    async def _start_surely(self) -> None:
        """Start a child, and another one if somebody kills it meanwhile. Raises PoolError."""
        for _ in range(FAILED_STARTS - 1):
            try:
                await self._start_child()
            except PoolError:
                await asyncio.sleep(START_PAUSE_S)
            else:
                return
        await self._start_child()

    async def _start_child(self) -> None:
        """Start a child and put it among the idle ones when it is ready. Raises PoolError."""
        child, self.taxonomy_version = await start_child(self._plan, self._limits, self._child_module)
        self._children.add(child)
        self._idle.put_nowait(child)

    def _do(self, doing: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Run something that must end by itself, whoever waits for it."""
        task = asyncio.create_task(doing)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def regroup(group: Sequence[int], death: ChildDied, deaths: Counter[int]) -> tuple[list[list[int]], int | None]:
    """
    Return which documents are to be tried again, in which groups, and the one that is guilty, if that is certain.

    A time or memory limit is certain. A crash is not: somebody may have killed the child; a document is guilty if it
    happens again with it alone. A death before the first document says least. `deaths` counts them per document.
    """
    if death.index is None and len(group) > 1:
        return [[index] for index in group], None
    culprit = group[death.index or 0]
    deaths[culprit] += 1
    others = [index for index in group if index != culprit]
    allowed = DEATHS_UNMARKED if death.index is None else DEATHS_ALLOWED[death.reason]
    is_guilty = deaths[culprit] > allowed
    again = [others] if is_guilty else [others, [culprit]]
    return [indices for indices in again if indices], culprit if is_guilty else None
