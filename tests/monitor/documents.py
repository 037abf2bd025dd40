"""Records as a worker writes them: a classified document and a dead letter."""

from pathlib import Path

import orjson

from schemas import headers
from tests.brokers import Message

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
