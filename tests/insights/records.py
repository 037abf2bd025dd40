"""What insights say, as records: bursts, histories and stories for tests of whoever shows them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.documents import Model
from schemas.insights import StoryAssignment, StoryEvent, TagHistory, TagTrend, TrendDocument, TrendEvent
from schemas.topics import EMBEDDED_PARTITIONS, STORIES, TAG_HISTORY, TRENDS, Topic
from services.kafka.admin import create_topics
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings
from tests.brokers import Message, produce

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
INTERVAL_S: Final = 300
WINDOW_S: Final = 3600
QUIET: Final = (0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 0, 0)
OUTBREAK: Final = (*QUIET, *QUIET, 0, 1, 0, 0, 2, 5, 7, 6)
MINE: Final = (TAG_HISTORY, TRENDS, STORIES)


def example(document_id: str, title: str | None = None, *, source: str = "wire", at: datetime = NOON) -> TrendDocument:
    return TrendDocument(id=document_id, title=title or f"About {document_id}", source=source, at=at)


def trend(tag: str, **more: Any) -> TagTrend:
    started_at = more.pop("started_at", NOON - timedelta(minutes=20))
    given = {
        "event": TrendEvent.GREW,
        "burst_id": f"{tag}@{started_at:%Y-%m-%dT%H:%M:%SZ}",
        "started_at": started_at,
        "at": NOON,
        "window_s": WINDOW_S,
        "stories": 22,
        "documents": 34,
        "expected": 3.6,
        "score": 9.4,
        "peak_stories": 22,
        "peak_score": 9.4,
        "examples": (example("doc-1"), example("doc-2")),
    }
    return TagTrend(tag=tag, **{**given, **more})


def history(tag: str, *, stories: Sequence[int] = OUTBREAK, **more: Any) -> TagHistory:
    given = {
        "at": NOON,
        "interval_s": INTERVAL_S,
        "expected": tuple(0.3 for _ in stories),
        "score": 9.4,
        "burst": None,
    }
    return TagHistory(tag=tag, stories=tuple(stories), **{**given, **more})


def bursting(tag: str, **more: Any) -> TagHistory:
    score = more.pop("score", 9.4)
    return history(tag, score=score, burst=trend(tag, score=score, **more))


def assigned(document_id: str, story_id: str, *, minutes: float = 0, **more: Any) -> StoryAssignment:
    """A document of a story; with `duplicate_of` it is 93 % like that one."""
    given = {
        "event": StoryEvent.JOINED,
        "documents": 2,
        "title": f"About {document_id}",
        "source": "wire",
        "at": NOON + timedelta(minutes=minutes),
        "similarity": 0.93 if "duplicate_of" in more else None,
    }
    return StoryAssignment(document_id=document_id, story_id=story_id, **{**given, **more})


def message(said: Model) -> tuple[Topic, Message]:
    """Return a record of what insights say, as they write it, and the topic it goes to."""
    topic = next(topic for topic in MINE if topic.model is type(said))
    key = said.document_id if isinstance(said, StoryAssignment) else said.tag  # type: ignore[attr-defined]
    return topic, (key.encode(), said.model_dump_json(exclude_none=True).encode(), ())


def record(said: Model, *, timestamp_ms: int = 0) -> tuple[Topic, Record]:
    topic, (key, value, _) = message(said)
    return topic, Record(topic.name, 0, 0, timestamp_ms, key, value)


async def make_topics(settings: KafkaSettings) -> None:
    await create_topics(settings, MINE, partitions=EMBEDDED_PARTITIONS)


async def say(settings: KafkaSettings, *said: Model) -> None:
    """Write what insights say, as they would."""
    await send(settings, map(message, said))


async def send(settings: KafkaSettings, messages: Iterable[tuple[Topic, Message]]) -> None:
    for topic, one in messages:
        await produce(settings.bootstrap_servers, settings.topic(topic), [one])
