"""
Faust (faust-streaming): at least once; it flushes its producer before it commits offsets.

Its `exactly_once` is not taken: what goes to a topic that the worker does not consume gets no transactional id, and
may come twice (`TransactionManager.send` in faust/transport/consumer.py).
"""

import logging
import os
from typing import Any

os.environ["FAUST_LOOP"] = "uvloop"

import faust

from bench.functions import load
from bench.peers.job import job, wait_for_start


def main() -> None:
    told, function = job(), load(job().function)
    app = faust.App(
        told.group,
        broker=f"kafka://{told.bootstrap}",
        processing_guarantee="at_least_once",
        datadir=f"{told.folder}/{told.instance}",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=4 * 1024 * 1024,
        broker_max_poll_records=2_000,
        broker_commit_interval=0.5,
        broker_commit_every=100_000,
        stream_buffer_maxsize=32_768,
        producer_compression_type="zstd",
        producer_linger=0.005,
        producer_max_batch_size=256 * 1024,
        producer_max_request_size=4 * 1024 * 1024,
    )
    source = app.topic(told.source, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
    target = app.topic(told.target, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")

    async def copy(stream: Any) -> None:
        async for key, value in stream.items():
            await target.send(key=key, value=function(value))

    app.agent(source)(copy)
    wait_for_start()
    faust.Worker(app, loglevel=logging.ERROR, quiet=True, debug=False).execute_from_commandline()


if __name__ == "__main__":
    main()
