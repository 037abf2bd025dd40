"""`tagwire trends` and `story` as a user runs them."""

import os
import pty
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from schemas.topics import all_topics
from services.core.taxonomy import shipped_routes
from services.insights.telling import BLOCKS, SIGNS
from services.kafka.admin import create_topics
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from tests.brokers import until
from tests.cli.test_monitoring import ran, tagwire
from tests.insights.records import OUTBREAK, assigned, bursting, history, make_topics, say


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)


@pytest.fixture
async def filled(settings: KafkaSettings) -> KafkaSettings:
    await make_topics(settings)
    story = [assigned("a", "a"), assigned("b", "a", minutes=5, duplicate_of="a")]
    await say(settings, bursting("libya"), bursting("terrorism", score=20.0), history("economy"), *story)
    return settings


async def on_a_terminal(settings: KafkaSettings, *arguments: str, encoding: str) -> str:
    """Return what a command shows on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environment = {
        "TAGWIRE_KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "TAGWIRE_KAFKA_TOPIC_PREFIX": settings.topic_prefix,
        "PYTHONIOENCODING": encoding,
        "COLUMNS": "80",
        "TERM": "xterm",
    }
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", *arguments),
        stdout=theirs,
        stderr=PIPE,
        env={**os.environ, **environment},
    )
    os.close(theirs)
    _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    with os.fdopen(ours, "rb", buffering=0) as screen:
        return screen.read(65536).decode()


async def test_what_bursts_is_a_json_line_each_the_most_surprising_first(filled: KafkaSettings) -> None:
    status, lines, complaints = await ran(filled, "trends")

    assert (status, complaints) == (0, "")
    assert [line["tag"] for line in lines] == ["terrorism", "libya"]
    assert lines[1]["stories"] == list(OUTBREAK)


async def test_a_tag_is_one_json_line(filled: KafkaSettings) -> None:
    status, (line,), _ = await ran(filled, "trends", "economy")

    assert (status, line["tag"], line["burst"], line["bursts"]) == (0, "economy", None, [])


async def test_a_story_is_a_json_line_a_document(filled: KafkaSettings) -> None:
    status, lines, _ = await ran(filled, "story", "b")

    assert status == 0
    assert [(line["id"], line["duplicate_of"]) for line in lines] == [("a", None), ("b", "a")]


@pytest.mark.parametrize(("encoding", "signs"), [("utf-8", BLOCKS), ("ascii", SIGNS)])
async def test_a_terminal_shows_a_line_in_signs_that_it_can_say(
    filled: KafkaSettings, encoding: str, signs: str
) -> None:
    for arguments in (["trends"], ["trends", "libya"]):
        screen = await on_a_terminal(filled, *arguments, encoding=encoding)

        assert signs[-1] in screen
        assert "22 stories in 1 h, 3.6 expected" in screen
        assert screen.isascii() == (encoding == "ascii")


async def test_a_quiet_day_is_a_sentence_and_no_failure(settings: KafkaSettings) -> None:
    await make_topics(settings)
    await say(settings, history("libya"))

    status, lines, said = await ran(settings, "trends")

    assert (status, lines) == (0, [])
    assert said == "No tag bursts as of 2026-01-31 12:00 UTC; 1 tag is counted.\n"


@pytest.mark.parametrize("command", [["trends"], ["trends", "libya"], ["story", "a"]])
async def test_where_insights_never_ran_that_is_said(settings: KafkaSettings, command: list[str]) -> None:
    status, lines, said = await ran(settings, *command)

    assert (status, lines) == (1, [])
    assert said.startswith("tagwire: insights have not run here: ")


async def test_topics_that_nobody_has_written_to_are_told_as_such(settings: KafkaSettings) -> None:
    await make_topics(settings)

    status, _, said = await ran(settings, "trends")

    assert (status, said.startswith("tagwire: insights have said nothing yet")) == (1, True)


@pytest.mark.parametrize(
    ("command", "status", "sentence"),
    [
        (["story", "c"], 1, "'c' is of no story: nobody has copied or rewritten it, or insights do not know it."),
        (["trends", "france"], 1, "no document with the tag france was counted yet"),
        (["trends", "libia"], 2, "libia: there is no such tag; did you mean liberia or libya?"),
    ],
)
async def test_what_is_not_there_is_said_in_a_sentence(
    filled: KafkaSettings, command: list[str], status: int, sentence: str
) -> None:
    came, lines, said = await ran(filled, *command)

    assert (came, lines) == (status, [])
    assert said.startswith(f"tagwire: {sentence}")


async def test_the_process_itself_answers_over_http(settings: KafkaSettings, tmp_path: Path) -> None:
    await create_topics(settings, all_topics(shipped_routes()), partitions=1)
    await say(settings, bursting("libya"))
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"

    async with (
        tagwire(settings, "insights", "--port", str(port), TAGWIRE_INSIGHTS_DATA_FOLDER=str(tmp_path)),
        aiohttp.ClientSession() as session,
    ):

        async def get(path: str) -> tuple[int, Any]:
            try:
                async with session.get(f"{url}{path}") as answer:
                    return answer.status, await answer.json()
            except aiohttp.ClientConnectionError:
                return 0, None

        async def answers() -> bool:
            return (await get("/api/v1/trends"))[0] == 200

        await until(answers, within_s=60)
        _, told = await get("/api/v1/trends")
        _, described = await get("/api/openapi.json")
        missing = await get("/api/v1/stories/nobody")
        nowhere = await get("/api/v1/nowhere")

    assert [each["tag"] for each in told["bursting"]] == ["libya"]
    assert "/api/v1/stories/{document_id}" in described["paths"]
    assert missing[0] == 404
    assert missing[1]["error"].startswith("'nobody' is of no story")
    assert nowhere == (404, {"error": "Not Found: GET /api/v1/nowhere"})
