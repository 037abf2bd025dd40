"""Records as a worker writes them: a classified document, a dead letter, and all of a document's way."""

from pathlib import Path

import orjson

from schemas import headers
from schemas.topics import CLASSIFIED, DEAD_LETTER, EMBEDDED_PARTITIONS, RAW, tag_topic
from services.kafka.partitioning import partition_of
from services.kafka.settings import KafkaSettings
from tests.brokers import Message, produce

EXAMPLE = Path(__file__).parents[1] / "schemas/classified-document.json"


def classified(document_id: str, *, origin: str) -> Message:
    value = orjson.dumps({**orjson.loads(EXAMPLE.read_bytes()), "id": document_id})
    return document_id.encode(), value, [(headers.ORIGIN, origin.encode())]


def dead_letter(document_id: str, topic: str, *, partition: int = 0, offset: int = 0) -> Message:
    told = {
        headers.DLT_TOPIC: topic,
        headers.DLT_PARTITION: str(partition),
        headers.DLT_OFFSET: str(offset),
        headers.DLT_TIMESTAMP: "1700000000000",
        headers.DLT_MESSAGE: "page of 7 characters holds no article text",
        headers.DLQ_REASON: "no_text",
        headers.DLQ_STAGE: "clean",
        headers.DLQ_REPLAY_COUNT: "0",
    }
    return document_id.encode(), b"<p></p>", [(name, value.encode()) for name, value in told.items()]


async def whole_way(settings: KafkaSettings, document_id: str) -> int:
    """Produce a document that died, was sent again and got through: five records, all of one partition, returned."""
    topic, key = settings.topic, document_id.encode()
    partition = partition_of(key, EMBEDDED_PARTITIONS)
    again = classified(document_id, origin=f"{topic(RAW)}/{partition}/1")
    way = [
        (RAW, (key, b"<p></p>", ())),
        (DEAD_LETTER, dead_letter(document_id, topic(RAW), partition=partition, offset=0)),
        (RAW, (key, b"text", ())),
        (CLASSIFIED, again),
        (tag_topic("libya"), again),
    ]
    for place, message in way:
        await produce(settings.bootstrap_servers, topic(place), [message])
    return partition
