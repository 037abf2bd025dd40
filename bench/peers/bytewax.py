"""
Bytewax: at least once, with its recovery store on; it keeps offsets there and belongs to no consumer group.

A cluster of one process a core, for a worker's thread holds Python's lock. Its sink waits for the broker after each
batch, so batches are large.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from bytewax import operators as op  # type: ignore[import-not-found]
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource  # type: ignore[import-not-found]
from bytewax.dataflow import Dataflow  # type: ignore[import-not-found]
from bytewax.recovery import RecoveryConfig, init_db_dir  # type: ignore[import-not-found]
from bytewax.run import cli_main  # type: ignore[import-not-found]

from bench.functions import load
from bench.peers.job import PARTITIONER, job, wait_for_start

EPOCH_S = 1.0
"""How often it takes a snapshot of its offsets."""


def main() -> None:
    told, function = job(), load(job().function)
    flow = Dataflow("bench")
    reading = {"isolation.level": "read_committed", "fetch.wait.max.ms": "50"}
    source = KafkaSource([told.bootstrap], [told.source], add_config=reading, batch_size=2_000)
    writing = {
        "partitioner": PARTITIONER,
        "compression.type": "zstd",
        "linger.ms": "5",
        "batch.size": str(1024 * 1024),
    }
    outputs = op.map("function", op.input("source", flow, source), lambda m: KafkaSinkMessage(m.key, function(m.value)))
    op.output("target", outputs, KafkaSink([told.bootstrap], told.target, add_config=writing))
    stores = Path(told.folder) / "recovery"
    if told.instance == 0:
        unfinished = stores.with_suffix(".unfinished")
        unfinished.mkdir()
        init_db_dir(unfinished, told.instances)
        unfinished.rename(stores)
    while not stores.exists():
        time.sleep(0.01)
    wait_for_start()
    cli_main(
        flow,
        process_id=told.instance,
        addresses=[f"127.0.0.1:{port}" for port in told.ports],
        epoch_interval=timedelta(seconds=EPOCH_S),
        recovery_config=RecoveryConfig(str(stores)),
    )


if __name__ == "__main__":
    # It ends by SIGTERM's default action: a source without end never ends by itself.
    main()
    os._exit(0)
