"""The monitor's HTTP: health, metrics, and the JSON API with its description."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from services.dead_letters.letters import Letter, Selection, reasons
from services.dead_letters.listing import grouped
from services.insights import api as insights_api
from services.insights.view import View
from services.kafka.errors import CLUSTER_ERRORS, explained
from services.kafka.reader import ReadError
from services.kafka.settings import KafkaSettings
from services.kafka.validation import explanation
from services.monitor import api, page_files, views
from services.monitor.burrow_paths import BurrowPaths
from services.monitor.journey import Journey
from services.monitor.live import Live
from services.monitor.metrics import SnapshotMetrics
from services.monitor.recent import Recent
from services.monitor.settings import MonitorSettings
from services.monitor.snapshot import GroupState, Snapshot
from services.monitor.watch import STARTING, Watch
from services.monitor.where_path import WherePath
from services.telemetry import openapi
from services.telemetry.exposition import CONTENT_TYPE
from services.telemetry.http import guard, health_answer, json_answer
from services.telemetry.openapi import Route

Redrive = Callable[[api.RedriveRequest, Selection], Awaitable[api.RedriveReport]]

DESCRIPTION: Final = (
    "Consumer lag, statuses and the journey of documents. No answer asks Kafka anything, but for `/api/v1/where` and a "
    "redrive: all show the latest look. Times are seconds since 1970, in UTC."
)


class Server:
    """Answers from what a watch, a list of recent records and a view of insights know."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: MonitorSettings,
        journey: Journey,
        watch: Watch,
        recent: Recent,
        redrive: Redrive,
        insights: View,
    ) -> None:
        self._kafka = kafka
        self._settings = settings
        self._journey = journey
        self._watch = watch
        self._recent = recent
        self._redrive = redrive
        self._insights = insights
        self._is_redriving = asyncio.Lock()
        self._metrics = SnapshotMetrics(watch, settings.cluster_name)
        self._live = Live(watch, recent, self._overview_now)
        self._where = WherePath(kafka, journey)
        self.routes = self._routes()
        self._described = openapi.document(self.routes, title="tagwire monitor", description=DESCRIPTION)

    def app(self) -> web.Application:
        app = web.Application(middlewares=[guard(self._settings.http_host, name="monitor")])
        app.on_shutdown.extend((self._live.close, self._where.close))
        for route in self.routes:
            app.router.add_route(route.method, route.path, route.handler)
        return app

    def _routes(self) -> Sequence[Route]:
        text = "text/plain"
        return (
            *page_files.routes(),
            Route("GET", "/healthz", self._healthz, "Whether it still looks."),
            Route("GET", "/readyz", self._readyz, "Whether it has looked."),
            Route("GET", "/metrics", self._get_metrics, "For Prometheus.", media_type=text),
            Route("GET", "/api/openapi.json", self._openapi, "This description."),
            Route("GET", "/api/v1/overview", self._overview, "The journey, who reads it, what is wrong.", api.Overview),
            self._live.route,
            Route("GET", "/api/v1/groups", self._groups, "All groups.", api.Groups),
            Route(
                "GET",
                "/api/v1/groups/{group}",
                self._group,
                "A group, its partitions and members.",
                api.GroupDetail,
                may_be_missing=True,
            ),
            Route(
                "GET",
                "/api/v1/groups/{group}/history",
                self._history,
                "A group's lag over time.",
                api.History,
                may_be_missing=True,
            ),
            Route("GET", "/api/v1/topics", self._topics, "All topics but the brokers' own.", api.Topics),
            Route(
                "GET",
                "/api/v1/topics/{topic}",
                self._topic,
                "A topic and where its partitions end.",
                api.TopicDetail,
                may_be_missing=True,
            ),
            Route("GET", "/api/v1/documents", self._documents, "The latest classified documents.", api.Documents),
            Route(
                "GET",
                "/api/v1/documents/{topic}/{partition}/{offset}",
                self._document,
                "One of them, a ClassifiedDocument with its evidence.",
                may_be_missing=True,
            ),
            Route("GET", "/api/v1/dead-letters", self._letters, "The latest dead letters, by cause.", api.DeadLetters),
            Route(
                "GET",
                "/api/v1/dead-letters/{topic}/{partition}/{offset}",
                self._letter,
                "One of them, with its headers and the start of its body.",
                api.LetterDetail,
                may_be_missing=True,
            ),
            Route(
                "POST",
                "/api/v1/dead-letters/redrive",
                self._post_redrive,
                "Try dead letters with this release, and put back what passes.",
                api.RedriveReport,
                takes=api.RedriveRequest,
                writes=True,
            ),
            self._where.route,
            *insights_api.routes(self._insights),
            *BurrowPaths(self._kafka, self._settings, self._watch).routes,
        )

    # Health and metrics

    async def _healthz(self, _: web.Request) -> web.Response:
        problem = self._watch.problem(now_s=time.time())
        # A cluster that was never there is no fault of this process: to start it again would not help.
        is_well = problem is None or self._watch.snapshot is None
        return health_answer((is_well, {"status": "ok" if is_well else "problem", "problem": problem}))

    async def _readyz(self, _: web.Request) -> web.Response:
        is_ready = self._watch.snapshot is not None
        problem = self._watch.problem(now_s=time.time())
        return health_answer((is_ready, {"status": "ready" if is_ready else "starting", "problem": problem}))

    async def _get_metrics(self, _: web.Request) -> web.Response:
        # Of a large cluster that is a second of work: other requests go on meanwhile.
        text = await asyncio.to_thread(self._metrics.text)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def _openapi(self, _: web.Request) -> web.Response:
        return json_answer(self._described)

    # The API

    async def _overview(self, _: web.Request) -> web.Response:
        return _answer(self._overview_now())

    def _overview_now(self) -> api.Overview:
        now_s = time.time()
        return views.overview(
            self._snapshot(),
            self._journey,
            self._letter_count(now_s),
            self._recent.heartbeats,
            cluster=self._settings.cluster_name,
            interval_s=self._settings.interval_s,
            problem=self._watch.problem(now_s=now_s),
            now_s=now_s,
            insights=self._insights,
            changes=self._recent.changes,
            is_writable=self._settings.token is not None,
        )

    async def _groups(self, _: web.Request) -> web.Response:
        return _answer(views.groups(self._snapshot(), self._journey))

    async def _group(self, request: web.Request) -> web.Response:
        return _answer(views.group_detail(self._group_named(request), self._journey))

    async def _history(self, request: web.Request) -> web.Response:
        group = self._group_named(request)
        return _answer(views.history(self._snapshot(), group.name, interval_s=self._settings.interval_s))

    async def _topics(self, _: web.Request) -> web.Response:
        return _answer(views.topics(self._snapshot(), self._journey))

    async def _topic(self, request: web.Request) -> web.Response:
        snapshot, name = self._snapshot(), request.match_info["topic"]
        if name not in snapshot.topics:
            raise web.HTTPNotFound(text=f"no topic {name}")
        return _answer(views.topic_detail(snapshot, snapshot.topics[name], self._journey))

    async def _documents(self, _: web.Request) -> web.Response:
        self._snapshot()
        return _answer(api.Documents(documents=[views.document_row(each) for each in self._recent.documents]))

    async def _document(self, request: web.Request) -> web.Response:
        wanted = _position(request)
        for each in self._recent.documents:
            if each.position == wanted and each.is_whole:
                return _json(each.document.model_dump_json(by_alias=True, exclude_none=True))
        raise web.HTTPNotFound(text=f"{wanted} is not among the latest documents that are kept")

    async def _letters(self, _: web.Request) -> web.Response:
        self._snapshot()
        letters = self._recent.letters

        async def each_letter() -> AsyncIterator[Letter]:
            for each in letters:
                yield each.letter

        causes = await grouped(each_letter(), Selection())
        return _answer(views.dead_letters(letters, causes, self._letter_count(time.time())))

    async def _letter(self, request: web.Request) -> web.Response:
        wanted = _position(request)
        for each in self._recent.letters:
            if each.letter.position == wanted:
                return _json(each.shown.decode())
        raise web.HTTPNotFound(text=f"{wanted} is not among the latest dead letters that are kept")

    async def _post_redrive(self, request: web.Request) -> web.Response:
        self._check_token(request)
        try:
            body = await request.read()
        except web.RequestPayloadError:
            raise web.HTTPBadRequest(text="the body is not encoded as it says, or was cut short") from None
        try:
            wanted = api.RedriveRequest.model_validate_json(body)
            chosen = Selection(
                reasons=reasons(wanted.reasons), ids=frozenset(wanted.ids), fingerprints=frozenset(wanted.fingerprints)
            )
        except ValidationError as error:
            raise web.HTTPBadRequest(text=explanation(error)) from None
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        if chosen == Selection():
            raise web.HTTPBadRequest(text="expected ids, reasons or fingerprints: not all letters at once")
        if self._is_redriving.locked():
            raise web.HTTPConflict(text="another redrive is under way")
        async with self._is_redriving:
            try:
                return _answer(await self._redrive(wanted, chosen))
            except (*CLUSTER_ERRORS, ReadError) as error:
                raise web.HTTPServiceUnavailable(text=explained(error) or repr(error)) from None

    # What they share

    def _snapshot(self) -> Snapshot:
        if self._watch.snapshot is None:
            raise web.HTTPServiceUnavailable(text=self._watch.failure or STARTING)
        return self._watch.snapshot

    def _group_named(self, request: web.Request) -> GroupState:
        name = request.match_info["group"]
        if (group := self._snapshot().groups.get(name)) is None:
            raise web.HTTPNotFound(text=f"no group {name}")
        return group

    def _letter_count(self, now_s: float) -> api.DeadLetterCount:
        return views.dead_letter_count(self._recent.letters, most=self._settings.dead_letters, now_ms=now_s * 1000)

    def _check_token(self, request: web.Request) -> None:
        if self._settings.token is None:
            raise web.HTTPForbidden(text="nothing can be changed here: TAGWIRE_MONITOR_TOKEN is not set")
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")  # a header may be any bytes
        if not hmac.compare_digest(given, f"Bearer {self._settings.token.get_secret_value()}".encode()):
            raise web.HTTPUnauthorized(text="expected Authorization: Bearer and the token")


def _answer(model: BaseModel) -> web.Response:
    return _json(model.model_dump_json())


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


def _position(request: web.Request) -> str:
    return "/".join(request.match_info[name] for name in ("topic", "partition", "offset"))
