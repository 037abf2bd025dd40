"""What insights answer over HTTP, held against its own description, whatever was said and asked."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from schemas.documents import MAX_ID_LENGTH, Model
from schemas.insights import TrendEvent
from services.insights import api
from services.insights.view import READING, SILENT, State, View
from services.kafka.settings import KafkaSettings
from services.telemetry.http import guard
from services.telemetry.openapi import document
from tests.insights.records import NOON, OUTBREAK, assigned, bursting, history, record, trend

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def view() -> View:
    view = View(KafkaSettings())
    view._state, view._problem = State.READY, None
    return view


def say(view: View, *said: Model) -> None:
    for each in said:
        view.kept.take(*record(each))


@pytest.fixture
async def ask(view: View) -> Any:
    routes = api.routes(view)
    described = document(routes, title="insights", description="")
    app = web.Application(middlewares=[guard("127.0.0.1", name="server")])
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
    async with TestClient(TestServer(app)) as client:

        async def get(path: str, name: str | None = None, **query: str) -> tuple[int, Any]:
            url = f"/api/v1/{path}" + (f"/{quote(name, safe='')}" if name is not None else "")
            async with client.get(URL(url, encoded=True), params=query) as answer:
                told = await answer.json()
            shape = next(
                each for each in described["paths"] if each.split("/")[3] == path and ("{" in each) == bool(name)
            )
            content = described["paths"][shape]["get"]["responses"][str(answer.status)]["content"]["application/json"]
            jsonschema.validate(told, {**content["schema"], "components": described["components"]})
            return answer.status, told

        yield get


async def test_what_bursts_is_told_with_its_history_and_its_documents(ask: Ask, view: View) -> None:
    over = trend("economy", event=TrendEvent.ENDED, peak_stories=9)
    say(view, bursting("libya"), history("economy"), over)

    status, told = await ask("trends")

    assert status == 200
    assert (told["at_s"], told["tags"], told["problem"]) == (NOON.timestamp(), 2, None)
    (libya,) = told["bursting"]
    assert (libya["tag"], libya["score"], libya["stories"], libya["interval_s"]) == ("libya", 9.4, list(OUTBREAK), 300)
    assert libya["burst"]["why"] == "22 stories in 1 h, 3.6 expected; by chance 1 in 2 billion"
    assert [each["id"] for each in libya["burst"]["examples"]] == ["doc-1", "doc-2"]
    assert [(each["tag"], each["event"], each["peak_stories"]) for each in told["ended"]] == [("economy", "ended", 9)]


async def test_a_quiet_day_is_an_answer(ask: Ask, view: View) -> None:
    say(view, history("libya"))

    told = {"at_s": NOON.timestamp(), "tags": 1, "bursting": [], "ended": [], "problem": None}
    assert await ask("trends") == (200, told)
    assert await ask("stories") == (200, {"stories": [], "story_count": 0, "document_count": 0, "problem": None})


async def test_where_nothing_was_said_yet_the_answer_is_empty_and_says_why(ask: Ask) -> None:
    assert await ask("trends") == (200, {"at_s": None, "tags": 0, "bursting": [], "ended": [], "problem": SILENT})


async def test_a_tag_is_told_with_its_bursts(ask: Ask, view: View) -> None:
    say(view, trend("libya", event=TrendEvent.WITHDRAWN), history("libya"))

    status, told = await ask("trends", "libya")

    assert (status, told["tag"], told["burst"]) == (200, "libya", None)
    assert len(told["stories"]) == len(told["expected"]) == len(OUTBREAK)
    assert [each["event"] for each in told["bursts"]] == ["withdrawn"]


async def test_a_story_is_told_by_any_of_its_documents(ask: Ask, view: View) -> None:
    say(
        view,
        assigned("b", "a", minutes=4, duplicate_of="a", source="gazette"),
        assigned("a", "a", title=None),
        assigned("c", "a", minutes=2, documents=7),
    )

    (_, by_first), (_, by_last) = await ask("stories", "a"), await ask("stories", "b")

    assert by_first == by_last
    assert (by_first["id"], by_first["documents"], by_first["is_more"], by_first["sources"]) == ("a", 7, True, 2)
    assert [(each["id"], each["duplicate_of"], each["similarity"]) for each in by_first["members"]] == [
        ("a", None, None),
        ("c", None, None),
        ("b", "a", 0.93),
    ]
    assert by_first["members"][2]["why"] == "93 % like a"


async def test_stories_are_told_by_size_and_no_more_than_asked_for(ask: Ask, view: View) -> None:
    for story in range(1, 31):
        say(view, *(assigned(f"{story}-{each}", f"{story}-0", documents=story) for each in range(story)))

    usual, (status, few) = await ask("stories"), await ask("stories", limit="2")

    assert [each["documents"] for each in few["stories"]] == [30, 29]
    assert (status, few["story_count"], len(usual[1]["stories"])) == (200, 30, api.USUAL)


async def test_a_large_story_is_cut_and_says_so(ask: Ask, view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_MEMBERS", 2)
    say(view, *(assigned(f"{each}", "0", minutes=each, documents=3) for each in range(3)))

    _, told = await ask("stories", "2")

    assert ([each["id"] for each in told["members"]], told["is_more"], told["documents"]) == (["0", "1"], True, 3)


@pytest.mark.parametrize(
    "document_id",
    [
        "https://example.org/a/b?c=d&e#f",
        "a/../b",
        "\u202e\x00é🙂%2f",
        "<img src=x onerror=alert(1)>",
        "x" * MAX_ID_LENGTH,
    ],
)
async def test_any_id_can_be_asked_for(ask: Ask, view: View, document_id: str) -> None:
    assert (await ask("stories", document_id))[0] == 404

    say(view, assigned(document_id, document_id))

    status, told = await ask("stories", document_id)
    assert (status, [each["id"] for each in told["members"]]) == (200, [document_id])


async def test_what_is_not_there_is_said_in_a_sentence(ask: Ask) -> None:
    alone = "'doc-1' is of no story: nobody has copied or rewritten it, or insights do not know it"
    assert await ask("stories", "doc-1") == (404, {"error": alone})
    assert await ask("trends", "libya") == (404, {"error": "nothing was counted for the tag libya"})


@pytest.mark.parametrize(
    ("path", "name", "query", "named"),
    [
        pytest.param("trends", "Not A Tag", {}, "tag: String should match pattern", id="no tag"),
        pytest.param("stories", "x" * (MAX_ID_LENGTH + 1), {}, "document_id: String should have at most", id="no id"),
        pytest.param("stories", None, {"limit": "0"}, "limit: expected greater than or equal to 1", id="too few"),
        pytest.param("trends", None, {"limit": "1000"}, "limit: expected less than or equal to 200", id="too many"),
        pytest.param("trends", None, {"limt": "5"}, "limt", id="a slip"),
    ],
)
async def test_a_wrong_question_is_refused_by_name(
    ask: Ask, path: str, name: str | None, query: dict[str, str], named: str
) -> None:
    status, told = await ask(path, name, **query)

    assert status == 400
    assert named in told["error"]


@pytest.mark.parametrize("state", [State.ABSENT, State.READING])
@pytest.mark.parametrize("name", [None, "libya"])
@pytest.mark.parametrize("path", ["trends", "stories"])
async def test_before_there_is_anything_that_is_said(
    ask: Ask, view: View, state: State, path: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.insights.view.PATIENCE_S", 0.01)
    view._state, view._problem = state, READING

    assert await ask(path, name) == (503, {"error": READING})


async def test_what_may_be_old_says_so(ask: Ask, view: View) -> None:
    say(view, bursting("libya"))
    view._problem = "Kafka does not answer"

    status, told = await ask("trends")

    assert (status, len(told["bursting"]), told["problem"]) == (200, 1, "Kafka does not answer")
