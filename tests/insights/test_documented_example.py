"""The subscriber that docs/insights.md shows does what it is said to do."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from schemas.insights import TrendEvent
from schemas.topics import TRENDS
from services.kafka.settings import KafkaSettings
from tests.brokers import until
from tests.insights.records import example, make_topics, say, trend

PAGE = Path(__file__).parents[2] / "docs/insights.md"


async def test_a_burst_is_told_once_and_taken_back(kafka: str, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await make_topics(settings)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    ours = {
        '"localhost:9092"': f'"{kafka}"',
        f'"{TRENDS.name}"': f'"{settings.topic(TRENDS)}"',
        'group_id="editors"': f'group_id="{prefix}editors", auto_offset_reset="earliest"',
        "asyncio.run(watch())": "",
    }
    for theirs, our in ours.items():
        assert theirs in code
        code = code.replace(theirs, our)
    names: dict[str, Any] = {}
    exec(code, names)  # it is ours
    untold = example("doc-3").model_copy(update={"title": None})
    burst = {"stories": 9, "expected": 1.5, "examples": (example("doc-1", "Fighting spreads"), untold)}
    events = (TrendEvent.STARTED, TrendEvent.GREW, TrendEvent.WITHDRAWN)
    await say(settings, *(trend("libya", event=event, **burst) for event in events))
    said = ""

    async def is_taken_back() -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return "after all" in said

    watching = asyncio.create_task(names["watch"]())
    try:
        await until(is_taken_back, within_s=30)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    assert said == (
        "libya: 9 stories, 1.5 expected; ['Fighting spreads', 'doc-3']\nlibya: no burst that began then, after all\n"
    )
