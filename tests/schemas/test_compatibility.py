import json
from typing import Any

import pytest

from schemas.compatibility import breaking_changes
from schemas.export import RELEASED, exported

RELEASE: dict[str, Any] = {
    "type": "object",
    "title": "Document",
    "properties": {
        "id": {"type": "string", "maxLength": 512},
        "url": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        "kind": {"$ref": "#/$defs/Kind"},
        "form": {"const": "page", "type": "string"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
        "meta": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["id"],
    "$defs": {
        "Kind": {"type": "string", "enum": ["topic", "place"]},
        "Tag": {
            "type": "object",
            "properties": {"label": {"type": "string"}, "broader": {"$ref": "#/$defs/Tag"}},
        },
    },
}
ABSENT = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the release with one value set or removed."""
    schema: dict[str, Any] = json.loads(json.dumps(RELEASE))
    *parents, last = path.split("/")
    part = schema
    for step in parents:
        part = part[step]
    if value is ABSENT:
        del part[last]
    else:
        part[last] = value
    return schema


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("properties/new", {"type": "integer"}, id="a new optional field"),
        pytest.param("$defs/Tag/properties/new", {"type": "integer"}, id="a new optional field further down"),
        pytest.param("properties/id/description", "The id.", id="a description"),
        pytest.param("title", "Text", id="a title"),
        pytest.param("$defs/Kind/enum", ["place", "topic", "person"], id="a further enum value"),
        pytest.param("properties/form", {"enum": ["page", "text"], "type": "string"}, id="a second value"),
        pytest.param("properties/kind", {"type": "string", "enum": ["topic", "place"]}, id="written out in place"),
    ],
)
def test_a_compatible_change(path: str, value: Any) -> None:
    assert breaking_changes(RELEASE, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        pytest.param("properties/url", ABSENT, "document.url: removed", id="a field removed"),
        pytest.param(
            "properties/id/type", "integer", "document.id: type was 'string', is 'integer'", id="another type"
        ),
        pytest.param("required", ["id", "url"], "document.url: newly required", id="an optional field is required"),
        pytest.param("required", [], "document.id: no longer required", id="a required field is optional"),
        pytest.param("required", ABSENT, "document.id: no longer required", id="nothing is required"),
        pytest.param("$defs/Kind/enum", ["topic"], "document.kind: no longer allows 'place'", id="an enum narrowed"),
        pytest.param(
            "properties/form", {"enum": ["text"], "type": "string"}, "document.form: no longer allows 'page'",
            id="another constant",
        ),
        pytest.param(
            "$defs/Tag/properties/label/type", "integer", "document.tags[].label: type was 'string', is 'integer'",
            id="another type inside a list",
        ),
        pytest.param("$defs/Tag/properties/label", ABSENT, "document.tags[].label: removed", id="removed further down"),
        pytest.param(
            "properties/meta/additionalProperties/type", "integer", "document.meta[]: type was 'string', is 'integer'",
            id="another type of a map's values",
        ),
        pytest.param(
            "properties/meta/additionalProperties", ABSENT,
            "document.meta: additionalProperties was {'type': 'string'}, is absent", id="a map of anything",
        ),
        pytest.param(
            "properties/id/maxLength", 64, "document.id: maxLength was 512, is 64", id="a tighter limit"
        ),
        pytest.param("properties/id/pattern", "^a", "document.id: pattern was absent, is '^a'", id="a new pattern"),
        pytest.param(
            "properties/url/anyOf", [{"type": "string"}],
            "document.url: anyOf was [{'type': 'string'}, {'type': 'null'}], is [{'type': 'string'}]",
            id="null no longer allowed",
        ),
        pytest.param(
            "properties/url/anyOf/0/type", "integer", "document.url: type was 'string', is 'integer'",
            id="another type beside null",
        ),
        pytest.param("properties/url/default", "x", "document.url: default was absent, is 'x'", id="another default"),
    ],
)  # fmt: skip
def test_a_breaking_change(path: str, value: Any, told: str) -> None:
    if path.startswith("properties/url/anyOf/0"):
        path, value = "properties/url/anyOf", [{"type": "integer"}, {"type": "null"}]
    assert breaking_changes(RELEASE, changed(path, value)) == [told]


def test_all_breaking_changes_are_told() -> None:
    current = changed("properties/url", ABSENT)
    current["required"] = ["id", "kind"]
    assert breaking_changes(RELEASE, current) == ["document.kind: newly required", "document.url: removed"]


def test_a_schema_is_compatible_with_itself() -> None:
    assert breaking_changes(RELEASE, RELEASE) == []


@pytest.mark.parametrize("name", sorted(path.name for path in RELEASED.glob("*.json")))
def test_the_models_are_compatible_with_the_last_release(name: str) -> None:
    released = json.loads((RELEASED / name).read_text(encoding="utf-8"))
    current = exported().get(name)
    assert current is not None, f"{name} was released and is gone"
    assert breaking_changes(released, json.loads(current)) == [], "anything but a new optional field needs a .v2 topic"
