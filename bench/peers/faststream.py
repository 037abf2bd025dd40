"""
FastStream on aiokafka: at least once. It has no transactions; offsets are committed when a batch's outputs are there.

Batches, no parsing of bodies and no validation of arguments, which are its costs; outputs keep their keys. It offers
two ways out of a batch: `publish` for each document with the confirmations gathered, or `publish_batch`, which puts
all into one partition: the same as they came from, so that keys keep their order.
"""

import asyncio
import logging
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import uvloop
from faststream.kafka import KafkaBroker, KafkaPublishMessage  # type: ignore[import-not-found]
from faststream.middlewares import AckPolicy  # type: ignore[import-not-found]

from bench.functions import Function, load
from bench.peers.job import Job, job, wait_for_start

BATCH_BYTES = 1024 * 1024
"""Of the producer; `publish_batch` refuses more."""
SLICE_BYTES = BATCH_BYTES // 2


def main() -> None:
    uvloop.run(_run(job()))


async def _run(told: Job) -> None:
    function, stop = load(told.function), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    broker = KafkaBroker(
        told.bootstrap,
        apply_types=False,
        decoder=_undecoded,
        compression_type="zstd",
        linger_ms=5,
        max_batch_size=BATCH_BYTES,
        max_request_size=4 * BATCH_BYTES,
        enable_idempotence=True,
        acks="all",
        log_level=logging.ERROR,
        allow_auto_create_topics=False,
    )

    async def copy(message: Any) -> None:
        confirmations = []
        for partition, outputs in _slices(message.raw_message, function):
            confirmations.append(
                await broker.publish_batch(*outputs, topic=told.target, partition=partition, no_confirm=True)
            )
        await asyncio.gather(*confirmations)

    subscriber = broker.subscriber(
        told.source,
        batch=True,
        max_records=2_000,
        batch_timeout_ms=50,
        group_id=told.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        isolation_level="read_committed",
    )
    subscriber(copy, decoder=_undecoded)
    wait_for_start()
    await broker.start()
    await stop.wait()
    await broker.stop()


async def _undecoded(message: Any) -> Any:
    return message


def _slices(records: Sequence[Any], function: Function) -> Iterator[tuple[int | None, list[Any]]]:
    """Yield a partition and outputs for it that fit into one batch, in order."""
    outputs: list[Any] = []
    size, partition = 0, None
    for record in records:
        value = function(record.value)
        if outputs and (record.partition != partition or size + len(value) > SLICE_BYTES):
            yield partition, outputs
            outputs, size = [], 0
        partition = record.partition
        outputs.append(KafkaPublishMessage(value, key=record.key))
        size += len(value)
    if outputs:
        yield partition, outputs


if __name__ == "__main__":
    main()
