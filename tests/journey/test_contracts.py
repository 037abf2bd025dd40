"""The producer in docs/contracts.md: what it sends is taken."""

import re
from pathlib import Path
from typing import Any

from schemas.topics import RAW
from services.kafka import codec
from services.kafka.client import record_of
from services.kafka.settings import KafkaSettings
from tests.brokers import read_committed

CONTRACTS = Path(__file__).parents[2] / "docs/contracts.md"


async def test_the_producer_of_the_docs_sends_a_document(settings: KafkaSettings) -> None:
    (example,) = re.findall(r"```python\n(import asyncio\n.*?)```", CONTRACTS.read_text(), re.DOTALL)
    here = example.replace("localhost:9092", settings.bootstrap_servers).replace(RAW.name, settings.topic(RAW))
    program: dict[str, Any] = {}
    exec(here.partition("asyncio.run(")[0], program)

    await program["publish"]("wire-17", "<p>Rain in Conakry.</p>")

    (sent,) = await read_committed(settings.bootstrap_servers, settings.topic(RAW))
    document = codec.decode_raw(record_of(sent))
    assert (document.id, document.body, sent.key) == ("wire-17", "<p>Rain in Conakry.</p>", b"wire-17")
