"""Quix Streams: exactly once, one transaction for what its commit interval brings; processes share the partitions."""

import os

from quixstreams import Application  # type: ignore[import-not-found]

from bench.functions import load
from bench.peers.job import COMMIT_INTERVAL, job, wait_for_start


def main() -> None:
    told, function = job(), load(job().function)
    app = Application(
        broker_address=told.bootstrap,
        consumer_group=told.group,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        # Its default of 5 s would make steps too few to take a speed from.
        commit_interval=float(os.environ.get(COMMIT_INTERVAL, "0.5")),
        consumer_poll_timeout=0.05,
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=f"{told.folder}/{told.instance}",
        loglevel="WARNING",
        consumer_extra_config={"isolation.level": "read_committed"},
        producer_extra_config={"compression.type": "zstd", "linger.ms": 5, "batch.size": 1024 * 1024},
    )
    source = app.topic(told.source, key_deserializer="bytes", value_deserializer="bytes")
    target = app.topic(told.target, key_serializer="bytes", value_serializer="bytes")
    app.dataframe(source).apply(function).to_topic(target)
    wait_for_start()
    app.run()  # it ends at SIGTERM by itself


if __name__ == "__main__":
    main()
