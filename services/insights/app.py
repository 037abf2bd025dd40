"""The Faust app: its settings, its agents and its tables; started and stopped within our own loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import faust
import structlog
from yarl import URL

from services.insights.pulse import Pulse
from services.insights.settings import GROUP, InsightSettings
from services.insights.transport import Consumer, Producer, Transport
from services.insights.work import Agent, Work
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

COMMIT_S: Final = 1.0
CLOSE_S: Final = 3.0
STOP_S: Final = 15.0
"""Faust's stop waits for threads of its own, and those for a broker that may be away."""


class App(faust.App):
    """Faust's app on our transport."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: InsightSettings,
        folder: Path,
        *,
        before_revocation: Callable[[], Awaitable[None]],
        after_assignment: Callable[[], None],
    ) -> None:
        def transport() -> Transport:
            return Transport(
                self.conf.broker_consumer,
                self,
                kafka,
                before_revocation=before_revocation,
                after_assignment=after_assignment,
            )

        self._make_transport = transport
        super().__init__(
            kafka.group(GROUP),
            # Only shown: the clients are ours, with all of KafkaSettings in them.
            broker=[URL(f"kafka://{server.strip()}") for server in kafka.bootstrap_servers.split(",")],
            store="rocksdb://",
            datadir=str(folder),
            autodiscover=False,
            web_enabled=False,
            canonical_url="http://127.0.0.1:0",
            topic_allow_declare=False,  # `tagwire topics create` makes them all
            topic_disable_leader=True,
            table_standby_replicas=settings.standby_replicas,
            broker_commit_interval=COMMIT_S,
            stream_wait_empty=False,
            key_serializer="raw",
            value_serializer="raw",
        )

    def _new_transport(self) -> Any:
        return self._make_transport()

    def _new_producer_transport(self) -> Any:
        return self._make_transport()


class Insights:
    """Agents at work on Faust. Use `running`."""

    def __init__(self, kafka: KafkaSettings, settings: InsightSettings, folder: Path, pulse: Pulse) -> None:
        self.kafka = kafka
        self.work = Work(self._write, pulse)
        self.agents: list[Agent] = []
        self.app = App(kafka, settings, folder, before_revocation=self.work.close, after_assignment=self._assigned)
        self._assigned_at = 0.0
        self._generation = -1
        self._remembered: dict[str, set[int]] = {}
        self.recovery_s: float | None = None
        """Seconds from the last assignment until the tables were whole again. None: they are not."""
        self.app.on_rebalance_complete.connect(self._recovered)

    def add(self, agent: Agent) -> None:
        """Give the records of the agent's topic to it."""
        topic = self.app.topic(
            self.kafka.topic(agent.source),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
        )

        async def run(stream: Any) -> None:
            await self.work.run(agent, stream)

        self.agents.append(agent)
        self._remembered[agent.name] = set()
        self.app.agent(topic, name=agent.name)(run)

    def assigned(self, agent: Agent) -> set[int]:
        """Return the partitions of the agent's topic that are this process's."""
        name = self.kafka.topic(agent.source)
        try:
            return {tp.partition for tp in self.app.consumer.assignment() if tp.topic == name}
        except Exception:  # noqa: BLE001  # Faust's ConsumerNotStarted: there is none yet
            return set()

    @property
    def is_ready(self) -> bool:
        """Whether this process is a member of its group and its tables are whole."""
        return self.recovery_s is not None

    def rows_to_recover(self) -> int:
        """Return how many rows are still to be read into the tables; -1 when none has been assigned yet."""
        if self._assigned_at == 0:
            return -1
        tables: Any = self.app.tables
        return int(tables.recovery.active_remaining_total())

    async def tick(self) -> None:
        for agent in self.agents:
            await self.work.tick(agent)

    async def _write(self, records: Any) -> list[int]:
        producer = self.app.producer
        assert isinstance(producer, Producer)
        return await producer.acknowledged(records)

    def _assigned(self) -> None:
        self._assigned_at = asyncio.get_running_loop().time()
        self.recovery_s = None

    async def _recovered(self, *_: Any, **__: Any) -> None:
        """
        Take over the memory of the partitions that came.

        Faust's callbacks for this swallow what they raise, so nothing is left to them. A partition that stayed is
        remembered only if no generation was missed: in one that was, another may have had it.
        """
        try:
            generation, turn = self.app.consumer_generation_id, self.work.closed
            stays = generation == self._generation + 1
            for agent in self.agents:
                await self._take_over(agent, stays=stays)
            # Not before: Faust cancels this when the next rebalance begins, and then this generation was missed.
            self._generation = generation
        except Exception as error:  # noqa: BLE001  # it ends the process
            self.work.fail(error)
            return
        if self.work.closed != turn:
            return  # the next rebalance has begun, and will come here, too
        self.recovery_s = asyncio.get_running_loop().time() - self._assigned_at
        log.info(
            "partitions_assigned",
            generation=self._generation,
            recovery_s=round(self.recovery_s, 3),
            **{agent.name: sorted(self.assigned(agent)) for agent in self.agents},
        )
        self.work.open()

    async def _take_over(self, agent: Agent, *, stays: bool) -> None:
        assigned, known = self.assigned(agent), self._remembered[agent.name]
        kept = known & assigned if stays else set()
        for partition in known - kept:
            agent.forget(partition)
        for partition in sorted(assigned - kept):
            if agent.table is not None:
                agent.remember(partition, agent.table.rows(partition))
            await asyncio.sleep(0)
        self._remembered[agent.name] = assigned


@asynccontextmanager
async def running(insights: Insights, agents: Sequence[Agent]) -> AsyncIterator[asyncio.Future[None]]:
    """Start the app, and give what raises when it must end; stop it within a bound."""
    for agent in agents:
        insights.add(agent)
    app = insights.app
    app.finalize()
    starting = asyncio.ensure_future(app.start())
    watching = asyncio.ensure_future(_watch(insights, starting))
    try:
        yield watching
    finally:
        watching.cancel()
        # What is in hand may end, so that it need not come again; what cannot is not committed.
        closing = asyncio.ensure_future(insights.work.close())
        if not insights.work.failed.done():
            await asyncio.wait({closing}, timeout=CLOSE_S)
        closing.cancel()
        stopping = asyncio.ensure_future(app.stop())
        await asyncio.wait({stopping}, timeout=STOP_S)
        if not stopping.done():
            log.warning("faust_did_not_stop", after_s=STOP_S)
        for task in (starting, stopping, watching):
            task.cancel()
        await asyncio.gather(starting, watching, return_exceptions=True)


async def _watch(insights: Insights, starting: asyncio.Future[Any]) -> None:
    """Raise what ends the process: an agent's error, a crash of Faust's, a client of which a part has ended."""
    app = insights.app
    while True:
        await asyncio.wait({insights.work.failed}, timeout=0.5)
        if insights.work.failed.done():
            insights.work.failed.result()
        if starting.done():
            starting.result()
        if app.crashed:
            raise app.crash_reason or RuntimeError("Faust crashed without a reason")
        consumer = app._consumer  # noqa: SLF001  # `app.consumer` would make one
        if isinstance(consumer, Consumer) and (error := consumer.broken()):
            raise error
