"""Routes -> an OpenAPI 3.1 document: each route says what it answers, and this puts it together."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PARAMETER: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_REFERENCE: Final = "#/components/schemas/{model}"


class Answer(BaseModel):
    """What an API of ours answers."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Failure(Answer):
    error: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path of the server, and what a caller must know of it."""

    method: str
    path: str
    handler: Handler
    summary: str
    answers: type[BaseModel] | None = None
    """None: no JSON of ours; `media_type` says what."""
    media_type: str = "application/json"
    takes: type[BaseModel] | None = None
    """The body."""
    asks: type[BaseModel] | None = None
    """The query: a parameter for each field."""
    may_be_missing: bool = False
    """404, with a sentence."""
    writes: bool = False
    """Needs the token."""
    failures: Mapping[int, str] = field(default_factory=dict)
    """Further statuses, and those whose reason is another here than elsewhere: each with a sentence."""


def document(routes: Sequence[Route], *, title: str, description: str) -> dict[str, Any]:
    """Return the whole description."""
    models = {model for route in routes for model in (route.answers, route.takes) if model} | {Failure}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "serialization") for model in ordered], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version("tagwire"),
            "description": description,
        },
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    answers: dict[str, Any] = {
        "200": {"description": "As it is now.", "content": _content(route.answers, route.media_type)}
    }
    if route.may_be_missing:
        answers["404"] = _failure("There is no such thing.")
    if route.path.startswith("/api/"):
        answers["503"] = _failure("The cluster has not been looked at yet.")
    operation: dict[str, Any] = {"summary": route.summary, "responses": answers}
    if parameters := [*_path_parameters(route.path), *_query_parameters(route.asks)]:
        operation["parameters"] = parameters
    if route.takes:
        operation["requestBody"] = {"required": True, "content": _content(route.takes, "application/json")}
    if route.writes:
        operation["security"] = [{"token": []}]
        answers |= {
            "400": _failure("The request is not as it should be."),
            "401": _failure("The token is missing or wrong."),
            "403": _failure("This monitor has no token, so nothing can be changed."),
            "409": _failure("Another one is under way."),
        }
    answers |= {str(status): _failure(about) for status, about in route.failures.items()}
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    described = model.model_json_schema()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in described.get("required", ()),
            "description": schema.pop("description", ""),
            "schema": schema,
        }
        for name, schema in described["properties"].items()
    ]


def _content(model: type[BaseModel] | None, media_type: str) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REFERENCE.format(model=model.__name__)} if model else {}}}


def _failure(about: str) -> dict[str, Any]:
    return {"description": about, "content": _content(Failure, "application/json")}
