"""The second half of `tagwire demo`: days of invented news go through, and a burst and a story are found in them."""

import time
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from schemas.documents import RawDocument
from schemas.topics import CLASSIFIED, RAW
from services.feed.generated import Generated, TrueStory, generated
from services.insights.kept import Kept, Story
from services.insights.screen import signs_for, story_screen, trends_screen
from services.insights.settings import GROUP
from services.insights.view import read_once
from services.kafka import codec
from services.kafka.publisher import Publisher
from services.kafka.settings import KafkaSettings
from services.monitor.settings import MonitorSettings
from services.monitor.watch import Watch
from services.worker.flow import JOURNEY
from services.worker.worker import group_name

CLIENT_ID: Final = "tagwire-demo"
SEED: Final = 7
DAYS: Final = 4
PER_DAY: Final = 40
MOST_MEMBERS: Final = 6
ENOUGH: Final = 0.9
"""Share of a story that must be found: some copies are edited so much that they are at the edge of being copies."""
DRAINED_S: Final = 60.0
POLL_S: Final = 0.5


async def show_insights(kafka: KafkaSettings, console: Console) -> bool:
    """Publish the news, show what was found when all is read, and return whether that is what was put in."""
    started = time.monotonic()
    news = generated(seed=SEED, end=datetime.now(UTC), days=DAYS, per_day=PER_DAY)
    console.print(f"\nPublishing {len(news.documents)} invented documents, dated over {DAYS} days\n")
    await _publish(kafka, news.documents)
    lags = await _drained(kafka)
    kept = await read_once(kafka, client_id=CLIENT_ID)
    story = largest(kept, news.stories)
    _show(kept, story, console)
    wrong = complaints(kept, story, news)
    wrong += [f"{group}: {lag} records are still to be read" for group, lag in lags.items() if lag]
    console.print(f"\nLag 0 in {' and '.join(lags)}, after {time.monotonic() - started:.1f} s." if not wrong else "")
    for complaint in wrong:
        console.print(Text(f"  ✗ {complaint}", style="red"))
    return not wrong


def largest(kept: Kept, stories: Sequence[TrueStory]) -> Story | None:
    """Return what was found of the story that most documents were made of."""
    made = max(stories, key=lambda story: len({record.id for record in story.records}))
    return kept.story(made.records[0].id)


def complaints(kept: Kept, story: Story | None, news: Generated) -> list[str]:
    """Return a sentence for each thing that was put in and not found."""
    wrong = []
    if news.bursts[-1].tag not in {history.tag for history in kept.bursting()}:
        wrong.append(f"expected a burst of {news.bursts[-1].tag}, found none")
    made = max(len({record.id for record in each.records}) for each in news.stories)
    if (found := len(story.members) if story else 0) < ENOUGH * made:
        wrong.append(f"expected a story of {made} documents, found {found}")
    return wrong


def _show(kept: Kept, story: Story | None, console: Console) -> None:
    for part in trends_screen(kept, width=console.width, signs=signs_for(console.encoding)):
        console.print(part, overflow="ellipsis", no_wrap=True)
    if story:
        console.print()
        for part in story_screen(story, story.id, most=MOST_MEMBERS):
            console.print(part, overflow="ellipsis", no_wrap=True)


async def _publish(kafka: KafkaSettings, documents: Sequence[RawDocument]) -> None:
    async with Publisher(kafka, client_id=CLIENT_ID) as publisher:
        for document in documents:
            await publisher.send(codec.encode_raw(document))


async def _drained(kafka: KafkaSettings) -> dict[str, int]:
    """Wait until worker and insights have nothing left, and return what each group has."""
    deadline = time.monotonic() + DRAINED_S
    inputs = {kafka.group(group_name(JOURNEY)): kafka.topic(RAW), kafka.group(GROUP): kafka.topic(CLASSIFIED)}
    async with (
        Watch(kafka, MonitorSettings(interval_s=POLL_S), inputs, groups=list(inputs)) as watch,
        aclosing(watch.looks()) as looks,
    ):
        async for snapshot in looks:
            partitions = {name: snapshot.groups[name].partitions for name in inputs}
            is_drained = all(each.lag == 0 for of_group in partitions.values() for each in of_group)
            if is_drained or time.monotonic() > deadline:
                break
    return {name: sum(each.lag or 0 for each in of_group) for name, of_group in partitions.items()}
