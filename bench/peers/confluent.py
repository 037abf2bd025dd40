"""
confluent-kafka by hand: exactly once, as its documentation's read-process-write example does it.

One transaction for what one `consume` brings, offsets in it with the group's metadata (KIP-447), so a transactional id
for each process is enough. Processes share the partitions.
"""

from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # type: ignore[import-not-found]

from bench.functions import Function, load
from bench.peers.job import PARTITIONER, Stopped, job, wait_for_start

RECORDS = 2_000
"""In one transaction, at most; as others have in a batch. Larger ones are too few steps to take a speed from."""


def main() -> None:
    told, function, stopped = job(), load(job().function), Stopped()
    wait_for_start()
    consumer = Consumer(
        {
            "bootstrap.servers": told.bootstrap,
            "group.id": told.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": told.bootstrap,
            "transactional.id": f"{told.group}-{told.instance}",
            "partitioner": PARTITIONER,
            "compression.type": "zstd",
            "linger.ms": 5,
            "batch.size": 1024 * 1024,
            "queue.buffering.max.kbytes": 256 * 1024,
        }
    )
    producer.init_transactions()
    consumer.subscribe([told.source])
    while not stopped:
        if records := [record for record in consumer.consume(RECORDS, 0.05) if _is_read(record)]:
            _transact(producer, consumer, records, told.target, function)
    consumer.close()


def _transact(producer: Any, consumer: Any, records: list[Any], target: str, function: Function) -> None:
    producer.begin_transaction()
    try:
        for record in records:
            _produce(producer, target, record.key(), function(record.value()))
        producer.send_offsets_to_transaction(_positions(records), consumer.consumer_group_metadata())
        producer.commit_transaction()
    except KafkaException as failure:
        if not failure.args[0].txn_requires_abort():
            raise
        producer.abort_transaction()
        # What was aborted is read again, unless it is another process's by now.
        assigned = {(partition.topic, partition.partition) for partition in consumer.assignment()}
        firsts = {(record.topic(), record.partition()): record.offset() for record in reversed(records)}
        for (topic, partition), offset in firsts.items():
            if (topic, partition) in assigned:
                consumer.seek(TopicPartition(topic, partition, offset))


def _is_read(record: Any) -> bool:
    """Return whether it is a record; an error that the client gets over by itself is none."""
    if (error := record.error()) and error.fatal():
        raise KafkaException(error)
    return not error


def _produce(producer: Any, target: str, key: bytes, value: bytes) -> None:
    while True:
        try:
            producer.produce(target, value, key)
        except BufferError:  # the queue is full
            producer.poll(0.01)
        else:
            return


def _positions(records: list[Any]) -> list[Any]:
    lasts = {(record.topic(), record.partition()): record.offset() for record in records}
    return [TopicPartition(topic, partition, offset + 1) for (topic, partition), offset in lasts.items()]


if __name__ == "__main__":
    main()
