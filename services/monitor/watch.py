"""The watch: looks at the cluster every few seconds, and keeps the latest snapshot for all who want to see it."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Final, Self

import structlog

from services.core.lag_status import Rules
from services.core.printable import plain
from services.kafka.cluster import Cluster
from services.kafka.errors import CLUSTER_ERRORS, explained
from services.kafka.settings import KafkaSettings
from services.kafka.unread import FirstUnread
from services.monitor.judging import Inputs, Judge, Limits
from services.monitor.settings import MonitorSettings
from services.monitor.snapshot import Snapshot

log = structlog.get_logger()

STARTING: Final = "the cluster has not been looked at yet"
LATE_LOOKS: Final = 3
LATE_S: Final = 60.0
"""A snapshot is late when it is older than so many intervals, and than this."""


class NoGroupError(Exception):
    """A group that was asked for is not there."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(f"no such consumer group: {', '.join(map(plain, names))}")


class Watch:
    """
    Looks when told to, as an async context manager that raises KafkaError when entered; or again and again, by `run`.

    Whoever shows something takes `snapshot`, and so never waits for Kafka.
    """

    def __init__(
        self, kafka: KafkaSettings, settings: MonitorSettings, inputs: Inputs, *, groups: Collection[str] | None = None
    ) -> None:
        """`groups` are the only ones wanted; None: all that the settings include."""
        self._kafka = kafka
        self._settings = settings
        self._includes: Callable[[str], bool] = settings.includes if groups is None else frozenset(groups).__contains__
        rules = Rules(settings.samples, settings.allowed_lag, settings.risk_percent / 100)
        self._judge = Judge(Limits(rules, settings.window, settings.history), inputs, groups)
        self._parts = AsyncExitStack()
        self._cluster: Cluster | None = None
        self._first_unread: FirstUnread | None = None
        self.snapshot: Snapshot | None = None
        """None: not looked yet."""
        self.failure: str | None = None
        """Why the last look failed. None: it did not."""
        self.failures = 0
        """Looks that failed."""

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as parts:
            self._cluster = await parts.enter_async_context(Cluster(self._kafka, includes=self._includes))
            self._first_unread = await parts.enter_async_context(FirstUnread(self._kafka))
            self._parts = parts.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._parts.aclose()

    async def look(self) -> Snapshot:
        """Look once. Raises one of `CLUSTER_ERRORS`."""
        assert self._cluster is not None
        assert self._first_unread is not None
        began = time.monotonic()
        look = await self._cluster.look()
        firsts = await self._first_unread.ask(self._judge.places(look))
        self.snapshot = await self._judge.judge(look, firsts, took_s=time.monotonic() - began)
        self.failure = None
        return self.snapshot

    async def looks(self) -> AsyncGenerator[Snapshot]:
        """Look for ever, and yield each snapshot. Raises as `look` does."""
        while True:
            began = time.monotonic()
            yield await self.look()
            await asyncio.sleep(max(0.0, began + self._settings.interval_s - time.monotonic()))

    async def patient_looks(self) -> AsyncGenerator[Snapshot | None]:
        """Enter and look for ever; None for a failure that `failure` tells of, after which it begins anew."""
        while True:
            try:
                async with self, aclosing(self.looks()) as looks:
                    async for snapshot in looks:
                        yield snapshot
            except CLUSTER_ERRORS as error:
                self.failures += 1
                self.failure = explained(error) or repr(error)
                yield None
            await asyncio.sleep(self._settings.interval_s)

    async def run(self) -> None:
        """Look for ever. A cluster that is away is waited for."""
        async with aclosing(self.patient_looks()) as looks:
            async for snapshot in looks:
                if snapshot is None:
                    log.warning("look_failed", error=self.failure)

    def problem(self, *, now_s: float) -> str | None:
        """Return why nobody should trust what is shown; None when it is fresh, or the first look is still to come."""
        if self.snapshot is None:
            return self.failure
        age_s = now_s - self.snapshot.at_s
        if age_s <= max(LATE_S, LATE_LOOKS * self._settings.interval_s):
            return None
        return f"the last look was {age_s:.0f} s ago: {self.failure or 'it is taking long'}"


async def look_once(watch: Watch, groups: Iterable[str]) -> Snapshot:
    """Enter, look and leave. Raises NoGroupError when one of these is not there, KafkaError and TimeoutError."""
    async with watch:
        snapshot = await watch.look()
    if missing := [name for name in groups if name not in snapshot.groups]:
        raise NoGroupError(missing)
    return snapshot
