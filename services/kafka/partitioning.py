"""Key -> partition, as Kafka's own clients choose it."""

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """Return where a record with this key goes, unless its producer chose otherwise."""
    number: int = (murmur2(key) & 0x7FFFFFFF) % partitions
    return number
