"""
Faust's driver for Kafka, with our clients in it and with offsets that follow the work.

What Faust 0.15.3 does by itself, and why it is not left to it:

- Its consumer reads uncommitted (`_create_worker_consumer`), so it counts what a worker aborted. Ours reads committed,
  is set up as every other member of a group of ours, and refuses an answer about offsets that failed.
- A stream acks a record in a `finally` when the next one is asked for (`streams.py`, `__aiter__`): also when the agent
  raised or was cancelled, and also a record of an earlier generation that it skipped. What is acked is committed, a
  second or so later, whatever became of it. Here an ack means nothing: `finish` says what is done, and only that is
  committed.
- Acked offsets must be consecutive to be committed, and gaps are what transactions leave everywhere; Faust notes them,
  but not behind offset 0, and never passes those at the end, so that lag stays above 0. Here a partition has one
  offset, the next one after what is done, since an agent takes the records of a partition in order; where all that was
  fetched is done, it is the consumer's position, behind all markers.
- A fetch is told its partitions by a set that lives on: emptied by a rebalance, it fetches all, and what comes of
  paused partitions is dropped (`getmany`). After the rebalance it seeks to what is committed; but a batch that is being
  delivered meanwhile sets the offset below which records count as delivered (`_drain_messages`), and what was dropped
  is dropped once more: lost in one of thirty rebalances under load. Here a fetch has a set of its own, a seek goes to
  the first offset where none is committed, and no record counts as delivered before it is.
- A commit that fails crashes the app. Here it is tried again.
- On a rebalance it clears its queues, but lets an agent go on with the record in its hands, and commits nothing
  (`_on_partitions_revoked`). Here a rebalance first waits for what is in hand, commits it, and then goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import monotonic
from typing import Any, Final

import structlog
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from services.kafka import client
from services.kafka.errors import CLUSTER_ERRORS
from services.kafka.records import Placed
from services.kafka.settings import KafkaSettings

log = structlog.get_logger()

CLIENT_ID: Final = "tagwire-insights"
AGAIN_S: Final = 1.0
"""From one try to write to the next."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer in a thread of its own, where heartbeats are not held up by the work."""

    consumer: "Consumer"

    async def on_start(self) -> None:
        settings, conf = self.consumer.kafka, self.app.conf
        self._assignor = self.app.assignor
        self._consumer = client.group_consumer(
            settings, conf.id, client_id=CLIENT_ID, from_start=True, assignors=[self._assignor]
        )
        self.time_started = monotonic()
        await client.start_member(self._consumer)

    async def on_thread_stop(self) -> None:
        # As the driver has it, but within a bound: aiokafka's own stop() does not return while the broker is away.
        await super(driver.AIOKafkaConsumerThread, self).on_thread_stop()
        if self._consumer is not None:
            await client.stop(self._consumer)

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  # the driver's signature
        max_records: int | None = None,
    ) -> Any:
        wanted = set(active_partitions or ())
        if not wanted:
            return {}
        records = await super()._fetch_records(consumer, wanted, timeout, max_records)
        self.consumer.note_fetched(
            {TP(*partition): batch[-1].offset for partition, batch in records.items() if batch},
            {TP(*partition): position for partition, position in client.positions(consumer).items()},
        )
        return records

    async def seek_to_committed(self) -> Mapping[TP, int]:
        offsets: Mapping[TP, int] = await self.call_thread(self._seek_to_committed)
        return offsets

    async def _seek_to_committed(self) -> Mapping[TP, int]:
        consumer = self._ensure_consumer()
        offsets = await consumer.seek_to_committed()
        # Where nothing is committed, or 0, aiokafka stays where it is; but something may have been fetched and dropped.
        unset = [tp for tp, offset in offsets.items() if not offset and not self.consumer.is_changelog(tp)]
        if unset:
            await consumer.seek_to_beginning(*unset)
        return {TP(*tp): offset for tp, offset in offsets.items()}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        assigned = self.assignment()
        wanted = {driver.ensure_aiokafka_TP(tp): (offset, "") for tp, offset in offsets.items() if tp in assigned}
        try:
            if wanted:
                await self._ensure_consumer().commit(wanted)
        except CLUSTER_ERRORS as error:
            # It is tried again with the next commit; of a partition that is another's by now, that one will.
            log.warning("offsets_not_committed", error=str(error) or type(error).__name__)
            return False
        return True

    def broken(self) -> BaseException | None:
        """Return what a task has ended with that aiokafka never starts again: nothing would come any more, silently."""
        if self._consumer is None or self.should_stop:
            return None
        for task in client.vital_tasks(self._consumer):
            if task is not None and task.done() and not task.cancelled() and (error := task.exception()):
                return error
        return None


class _Unread(dict[TP, int | None]):
    """What Faust notes of the offsets that it has delivered, and must not go by: see above."""

    def __getitem__(self, _: TP) -> None:
        return None


class Consumer(driver.Consumer):
    """A member of the group whose offsets are those of the work that is done."""

    _thread: ConsumerThread
    kafka: KafkaSettings

    def __init__(self, transport: "Transport", *args: Any, **kwargs: Any) -> None:
        self.kafka = transport.kafka
        self.before_revocation: Callable[[], Awaitable[None]] = transport.before_revocation
        self.after_assignment: Callable[[], None] = transport.after_assignment
        self._done: dict[TP, int] = {}
        """The offset after the last record that is done."""
        self._fetched: dict[TP, tuple[int, int]] = {}
        """The last offset that was fetched, -1 for none since the assignment, and the position after it."""
        self._is_settled = False
        super().__init__(transport, *args, **kwargs)
        self._read_offset = _Unread()

    def is_changelog(self, tp: Any) -> bool:
        return self._is_changelog_tp(tp)

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def ack(self, message: Any) -> bool:  # noqa: ARG002  # Faust's signature
        """Take no notice: Faust acks what was done, what failed and what was skipped alike."""
        return False

    def finish(self, tp: TP, offset: int) -> None:
        """Say that this record, and all before it in its partition, are done."""
        self._done[tp] = max(offset + 1, self._done.get(tp, 0))

    def note_fetched(self, last: Mapping[TP, int], positions: Mapping[TP, int]) -> None:
        """Take note of a fetch. Called in the consumer's thread; each assignment to the dictionary is one step."""
        for tp, position in positions.items():
            known, _ = self._fetched.get(tp, (-1, 0))
            self._fetched[tp] = (last.get(tp, known), position)

    def committable(self) -> dict[TP, int]:
        """
        Return the offsets that may be committed: of what is done, and of markers behind it.

        None from a revocation until the flow is resumed: a fetch that was under way may tell of a position behind
        records that Faust has dropped.
        """
        if not self._is_settled:
            return {}
        offsets = dict(self._done)
        for tp, (last, position) in list(self._fetched.items()):
            if self.app.topics.acks_enabled_for(tp.topic) and offsets.get(tp, 0) > last:
                offsets[tp] = max(position, offsets.get(tp, 0))
        return {tp: offset for tp, offset in offsets.items() if offset != self._committed_offset[tp]}

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        offsets = self.committable()
        if not offsets:
            return False
        before = {tp: self._committed_offset[tp] for tp in offsets}
        is_done = await self._commit_offsets(offsets)
        if not is_done:
            # Faust notes them as committed whatever came of it, and would not try again until more is done.
            self._committed_offset.update(before)
        return is_done

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self.before_revocation()
        await self.commit()
        self._is_settled = False
        self._done.clear()
        self._fetched.clear()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._done.clear()
        self._fetched.clear()
        self.after_assignment()
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_flow(self) -> None:
        """Fetch again, at the end of a rebalance and from what is committed; what fetches told before is not true."""
        self._fetched.clear()
        self._is_settled = True
        super().resume_flow()

    async def on_stop(self) -> None:
        await self.commit()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Leave it: whether work goes on is judged by `progress`, from outside."""

    def broken(self) -> BaseException | None:
        return self._thread.broken()


class Producer(driver.Producer):
    """Idempotent and compressed, as every producer of ours."""

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        assert transactional_id is None, "insights use no transactions of Faust's"
        transport = self.transport
        assert isinstance(transport, Transport)
        return client.producer(transport.kafka, client_id=CLIENT_ID)

    async def acknowledged(self, records: Iterable[Placed]) -> list[int]:
        """
        Write records and return their offsets, in order, once every one is acknowledged, however long Kafka is away.

        Some may be written twice then, which nobody who reads them minds. Raises KafkaError for what will not pass.
        """
        wanted = list(records)
        while True:
            try:
                return await client.acknowledged(self._ensure_producer(), wanted)
            except CLUSTER_ERRORS as error:
                if not client.may_pass(error):
                    raise
                log.warning("not_written", error=str(error) or type(error).__name__, records=len(wanted))
            await asyncio.sleep(AGAIN_S)
            await self._renew()

    async def _renew(self) -> None:
        # An idempotent producer that has given up on a batch has a gap in its sequence for ever.
        if self._producer is not None:
            await client.stop(self._producer)
        while True:
            self._producer = self._new_producer()
            try:
                await self._producer.start()
            except CLUSTER_ERRORS:
                await client.stop(self._producer)
                await asyncio.sleep(AGAIN_S)
            else:
                return

    async def on_stop(self) -> None:
        producer, self._producer = self._producer, None
        await super().on_stop()
        if producer is not None:
            await client.stop(producer)


class Transport(driver.Transport):
    Consumer = Consumer
    Producer = Producer

    def __init__(
        self,
        url: Any,
        app: Any,
        kafka: KafkaSettings,
        *,
        before_revocation: Callable[[], Awaitable[None]],
        after_assignment: Callable[[], None],
    ) -> None:
        self.kafka = kafka
        self.before_revocation = before_revocation
        self.after_assignment = after_assignment
        super().__init__(url, app)
