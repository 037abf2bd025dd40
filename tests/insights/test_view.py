"""Insights' topics on a real broker -> what is kept of them, once or for ever."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from schemas.topics import STORIES, TAG_HISTORY, TRENDS
from services.insights import view as module
from services.insights.kept import Kept
from services.insights.view import NoInsightsError, State, View, read_once
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, until
from tests.insights.records import assigned, bursting, history, make_topics, say, send, trend

ME = "tests"


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)


@asynccontextmanager
async def running(view: View) -> AsyncIterator[View]:
    task = asyncio.create_task(view.run(client_id=ME))
    try:
        yield view
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def reaches(view: View, state: State) -> None:
    async def is_there() -> bool:
        return view.state is state

    await until(is_there, within_s=30)


async def test_reading_once_gives_what_is_there(settings: KafkaSettings) -> None:
    await make_topics(settings)
    await say(settings, history("libya"), trend("libya"), bursting("libya"), assigned("a", "a"), assigned("b", "a"))

    kept = await read_once(settings, client_id=ME)

    assert kept.bursting() == [bursting("libya")]
    assert kept.bursts("libya") == [trend("libya")]
    assert (kept.story_count, kept.document_count) == (1, 2)


async def test_where_insights_have_never_run_that_is_said(settings: KafkaSettings) -> None:
    with pytest.raises(NoInsightsError, match=r"have not run here: .*trends are missing: run `tagwire topics create`"):
        await read_once(settings, client_id=ME)


async def test_one_topic_that_is_missing_is_named(settings: KafkaSettings) -> None:
    for topic in (TAG_HISTORY, STORIES):
        await create_topic(settings.bootstrap_servers, settings.topic(topic))

    with pytest.raises(NoInsightsError, match=f"have not run here: {settings.topic(TRENDS)} is missing"):
        await read_once(settings, client_id=ME)


async def test_topics_that_hold_nothing_are_said_to_be_empty(settings: KafkaSettings) -> None:
    await make_topics(settings)

    with pytest.raises(NoInsightsError, match="insights have said nothing yet"):
        await read_once(settings, client_id=ME)


async def test_a_view_is_ready_once_it_has_read_what_is_there_and_goes_on(settings: KafkaSettings) -> None:
    await make_topics(settings)
    await say(settings, bursting("libya"))

    async with running(View(settings)) as view:
        assert (view.state, view.problem) == (State.READING, module.READING)
        await reaches(view, State.READY)
        assert (view.problem, view.kept.bursting(), view.changes) == (None, [bursting("libya")], 1)

        await send(settings, [(TAG_HISTORY, (b"libya", None, ())), (TAG_HISTORY, (b"x", b"no history", ()))])
        await say(settings, assigned("a", "a"))

        async def has_come() -> bool:
            return view.kept.story("a") is not None and view.kept.tags == 0 and view.kept.unreadable == 1

        await until(has_come, within_s=30)


async def test_a_view_waits_for_topics_that_are_missing(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    async with running(View(settings)) as view:
        await reaches(view, State.ABSENT)
        assert view.problem is not None
        assert view.problem.startswith("insights have not run here")

        await make_topics(settings)
        await reaches(view, State.SILENT)
        assert view.problem == module.SILENT

        await say(settings, history("libya"))
        await reaches(view, State.READY)
        assert view.problem is None


async def test_a_view_may_wait_until_somebody_asks(settings: KafkaSettings) -> None:
    await make_topics(settings)
    await say(settings, bursting("libya"))
    view = View(settings)
    task = asyncio.create_task(view.run_when_asked(client_id=ME))
    try:
        await asyncio.sleep(0)
        assert view.state is State.READING

        await view.wanted()

        assert view.kept.bursting() == [bursting("libya")]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_stands_in_the_way_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    away = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port(0)}")
    with capture_logs() as logs:
        async with running(View(away)):
            tries = 0

            async def has_tried_twice() -> bool:
                return tries >= 2

            async def missing(*_: object) -> list[str]:
                nonlocal tries
                tries += 1
                raise OSError("no way there")

            monkeypatch.setattr(module, "missing_topics", missing)
            await until(has_tried_twice, within_s=30)
    assert [each["error"] for each in logs if each["event"] == "insights_not_followed"][-1:] == ["no way there"]
    assert sum(each.get("error") == "no way there" for each in logs) == 1


async def test_a_view_says_where_kafka_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    away = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port(0)}")
    async with running(View(away)) as view:

        async def is_told() -> bool:
            return view.problem is not None and view.problem.startswith("Kafka does not answer at")

        await until(is_told, within_s=30)
        assert view.state is State.READING


async def test_what_was_read_is_shown_until_it_is_read_anew(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.1)
    await make_topics(settings)
    await say(settings, bursting("libya"))

    async with running(View(settings)) as view:
        await reaches(view, State.READY)
        before = view.kept

        def broken(*_: object) -> None:
            raise OSError("the network is away")

        monkeypatch.setattr(Kept, "take", broken)
        await say(settings, history("libya"))

        async def is_told() -> bool:
            return view.problem == "the network is away"

        await until(is_told, within_s=30)
        assert (view.kept, view.state) == (before, State.READY)

        monkeypatch.undo()

        async def is_anew() -> bool:
            return view.kept is not before and view.problem is None

        await until(is_anew, within_s=30)
        assert view.kept.bursting() == []


async def test_what_the_topics_no_longer_keep_is_forgotten_while_it_runs(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FORGET_S", 0.1)
    await make_topics(settings)
    await say(settings, bursting("libya"))

    async with running(View(settings)) as view:
        await reaches(view, State.READY)
        assert view.kept.tags == 1
        days = TAG_HISTORY.retention_ms / 1000 + 1
        now = time.time
        monkeypatch.setattr("services.insights.view.time.time", lambda: now() + days)

        async def is_gone() -> bool:
            return view.kept.tags == 0

        await until(is_gone, within_s=30)


def test_who_only_shows_what_insights_say_needs_no_faust() -> None:
    shown = "services.monitor.service, services.local.up, services.local.demo_insights, services.insights.screen"
    code = f"import sys, {shown}; print(*(name for name in ('faust', 'rocksdict') if name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
