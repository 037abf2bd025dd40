"""Topics -> their records, read-committed and outside any group: for people and for tools, not for services."""

from collections.abc import AsyncGenerator

from services.kafka import client
from services.kafka.client import record_of
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings


async def read(settings: KafkaSettings, *topics: str, from_start: bool, client_id: str) -> AsyncGenerator[Record]:
    """Yield records for ever, from the first ones or from now on; `topics` are full names."""
    consumer = client.reader(settings, *topics, client_id=client_id, from_start=from_start)
    try:
        await consumer.start()
        async for message in consumer:
            yield record_of(message)
    finally:
        await client.stop(consumer)
