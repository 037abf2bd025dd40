"""Burrow's HTTP paths, for what already speaks to Burrow."""

import socket
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from services.kafka.settings import KafkaSettings
from services.monitor import burrow
from services.monitor.settings import MonitorSettings
from services.monitor.snapshot import Snapshot
from services.monitor.watch import STARTING, Watch
from services.telemetry.http import json_answer
from services.telemetry.openapi import Route


class BurrowPaths:
    """Answers as Burrow would from what a watch knows; the paths that change or configure Burrow are not here."""

    def __init__(self, kafka: KafkaSettings, settings: MonitorSettings, watch: Watch) -> None:
        self._kafka = kafka
        self._settings = settings
        self._watch = watch

    @property
    def routes(self) -> Sequence[Route]:
        text = "text/plain"
        return (
            Route("GET", "/burrow/admin", self._admin, "Burrow: it runs.", media_type=text),
            Route("GET", "/burrow/admin/ready", self._ready, "Burrow: it is ready.", media_type=text),
            Route("GET", "/v3/kafka", self._clusters, "Burrow: the clusters."),
            Route("GET", "/v3/kafka/{cluster}", self._cluster, "Burrow: a cluster."),
            Route("GET", "/v3/kafka/{cluster}/topic", self._topics, "Burrow: topics."),
            Route("GET", "/v3/kafka/{cluster}/topic/{topic}", self._topic, "Burrow: a topic's ends."),
            Route(
                "GET",
                "/v3/kafka/{cluster}/topic/{topic}/consumers",
                self._topic_consumers,
                "Burrow: who reads a topic.",
            ),
            Route("GET", "/v3/kafka/{cluster}/consumer", self._groups, "Burrow: groups."),
            Route("GET", "/v3/kafka/{cluster}/consumer/{group}", self._group, "Burrow: a group's offsets."),
            Route(
                "GET",
                "/v3/kafka/{cluster}/consumer/{group}/status",
                self._status,
                "Burrow: a group's status, and its partitions that are not OK.",
            ),
            Route(
                "GET",
                "/v3/kafka/{cluster}/consumer/{group}/lag",
                self._lag,
                "Burrow: a group's status, and all of its partitions.",
            ),
        )

    async def _admin(self, _: web.Request) -> web.Response:
        return web.Response(text="GOOD")

    async def _ready(self, _: web.Request) -> web.Response:
        is_ready = self._watch.snapshot is not None
        return web.Response(text="READY" if is_ready else "STARTING", status=200 if is_ready else 503)

    async def _clusters(self, request: web.Request) -> web.Response:
        return _found(request, "cluster list returned", clusters=[self._settings.cluster_name])

    async def _cluster(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _missing(request, "cluster module not found")
        module = {
            "class-name": "kafka",
            "servers": self._kafka.bootstrap_servers.split(","),
            "client-profile": {
                "name": "",
                "client-id": "tagwire-monitor",
                "kafka-version": "",
                "tls": None,
                "sasl": None,
            },
            "topic-refresh": int(self._settings.interval_s),
            "offset-refresh": int(self._settings.interval_s),
        }
        return _found(request, "cluster module detail returned", module=module)

    async def _topics(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _missing(request, "cluster not found")
        return _found(request, "topic list returned", topics=list(self._snapshot().topics))

    async def _topic(self, request: web.Request) -> web.Response:
        topic = request.match_info["topic"]
        if not self._is_ours(request) or topic not in self._snapshot().topics:
            return _missing(request, "cluster or topic not found")
        return _found(request, "topic offsets returned", offsets=burrow.topic_offsets(self._snapshot(), topic))

    async def _topic_consumers(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _missing(request, "cluster not found")
        consumers = list(burrow.consumers_of(self._snapshot(), request.match_info["topic"]))
        return _found(request, "consumers of topic returned", consumers=consumers)

    async def _groups(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _missing(request, "cluster not found")
        return _found(request, "consumer list returned", consumers=list(self._snapshot().groups))

    async def _group(self, request: web.Request) -> web.Response:
        group = self._snapshot().groups.get(request.match_info["group"])
        if not self._is_ours(request) or group is None:
            return _missing(request, "cluster or consumer not found")
        return _found(request, "consumer detail returned", topics=burrow.consumer_topics(group))

    async def _status(self, request: web.Request) -> web.Response:
        return self._verdict(request, shows_all=False)

    async def _lag(self, request: web.Request) -> web.Response:
        return self._verdict(request, shows_all=True)

    def _verdict(self, request: web.Request, *, shows_all: bool) -> web.Response:
        cluster, name = request.match_info["cluster"], request.match_info["group"]
        group = self._snapshot().groups.get(name)
        is_there = group is not None and self._is_ours(request)
        status = (
            burrow.group_status(cluster, group, shows_all=shows_all, window=self._settings.window)
            if group is not None and is_there
            else burrow.not_found(cluster, name)
        )
        return _found(request, "consumer status returned", code=200 if is_there else 404, status=status)

    def _is_ours(self, request: web.Request) -> bool:
        return request.match_info["cluster"] == self._settings.cluster_name

    def _snapshot(self) -> Snapshot:
        if self._watch.snapshot is None:
            raise web.HTTPServiceUnavailable(text=self._watch.failure or STARTING)
        return self._watch.snapshot


def _found(request: web.Request, message: str, *, code: int = 200, **fields: Any) -> web.Response:
    told = {"error": False, "message": message, **fields, "request": _request(request)}
    return json_answer(told, status=code)


def _missing(request: web.Request, message: str) -> web.Response:
    return json_answer({"error": True, "message": message, "request": _request(request)}, status=404)


def _request(request: web.Request) -> dict[str, str]:
    return {"url": request.path, "host": socket.gethostname()}
