"""The official JSON Schema of AsyncAPI is in no package, so its rules that matter are stated here."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from schemas.asyncapi import asyncapi, member_docstrings
from schemas.dead_letters import Reason
from schemas.documents import MediaType, Model
from schemas.export import EXPORTED
from schemas.insights import StoryEvent, TrendEvent
from schemas.topics import (
    CLASSIFIED,
    CLEAN,
    DOCUMENT_TOPICS,
    ENRICHED,
    STORIES,
    TAG_HISTORY,
    TRENDS,
    WORKERS,
    tag_topic,
)
from services.kafka import codec
from services.kafka.records import Headers, Record
from tests.insights.records import assigned, bursting, message, trend

DOCUMENT = asyncapi()
PUBLIC = (*DOCUMENT_TOPICS, WORKERS, STORIES, TRENDS, TAG_HISTORY)
SAMPLE = (Path(__file__).parent / "classified-document.json").read_text(encoding="utf-8")


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolved(reference: str) -> Any:
    part = DOCUMENT
    for step in unquote(reference.removeprefix("#/")).split("/"):
        part = part[step]
    return part


def headers_fit(schema: str, headers: Headers) -> None:
    texts = {name: value.decode() for name, value in headers if value is not None}
    Draft202012Validator(DOCUMENT["components"]["schemas"][schema]).validate(texts)


def test_what_it_is() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert DOCUMENT["info"].keys() >= {"title", "version"}


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    if reference.startswith("./"):
        Draft202012Validator.check_schema(json.loads((EXPORTED / reference).read_text(encoding="utf-8")))
    else:
        assert resolved(reference)


@pytest.mark.parametrize("topic", PUBLIC, ids=lambda topic: topic.name)
def test_every_topic_is_a_channel(topic: Any) -> None:
    binding = DOCUMENT["channels"][topic.name]["bindings"]["kafka"]
    assert binding["topic"] == DOCUMENT["channels"][topic.name]["address"] == topic.name
    assert binding["partitions"] == topic.partitions
    assert ",".join(binding["topicConfiguration"]["cleanup.policy"]) == topic.configuration["cleanup.policy"]
    assert binding["topicConfiguration"]["retention.ms"] == topic.retention_ms
    assert binding["topicConfiguration"]["max.message.bytes"] == topic.max_message_bytes
    assert binding["bindingVersion"] == "0.5.0"


def test_what_a_service_writes_for_itself_alone_is_no_channel() -> None:
    assert set(DOCUMENT["channels"]) == {topic.name for topic in PUBLIC} | {tag_topic("{tag}").name}


def test_routed_tags_are_one_channel_with_a_parameter() -> None:
    channel = DOCUMENT["channels"]["tags.{tag}"]
    assert channel["address"] == "tags.{tag}"
    assert channel["parameters"].keys() == {"tag"}
    assert channel["bindings"]["kafka"]["partitions"] > 0


def test_every_channel_has_messages_and_somebody_who_uses_it() -> None:
    used = [resolved(operation["channel"]["$ref"]) for operation in DOCUMENT["operations"].values()]
    for channel in DOCUMENT["channels"].values():
        assert channel["messages"]
        assert channel in used


def test_tagwire_receives_raw_documents_and_sends_the_others() -> None:
    actions = {name: operation["action"] for name, operation in DOCUMENT["operations"].items()}
    assert actions == {name: "receive" if name.startswith("receive") else "send" for name in actions}


@pytest.mark.parametrize("message", sorted(DOCUMENT["components"]["messages"]))
def test_every_message_says_what_it_holds(message: str) -> None:
    assert DOCUMENT["components"]["messages"][message].keys() >= {
        "title", "contentType", "headers", "payload", "bindings",
    }  # fmt: skip


def test_every_reason_is_told_with_its_meaning() -> None:
    reason = DOCUMENT["components"]["schemas"]["deadLetterHeaders"]["properties"]["dlq-reason"]
    assert [choice["const"] for choice in reason["oneOf"]] == [reason.value for reason in Reason]
    assert all(choice["description"] for choice in reason["oneOf"])


def test_the_documentation_tells_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
    for code, meaning in member_docstrings(Reason).items():
        assert f"| `{code}` | {meaning} |" in page


@pytest.mark.parametrize("events", [TrendEvent, StoryEvent])
def test_the_documentation_tells_every_event_of_insights(events: type[StrEnum]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "insights.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    meanings = member_docstrings(events)

    assert set(events) <= told.keys()
    assert {event: told[event] for event in meanings} == meanings


def test_a_member_without_docstring_has_no_meaning() -> None:
    assert member_docstrings(MediaType) == {}


@pytest.mark.parametrize("topic", [CLEAN, ENRICHED, CLASSIFIED], ids=lambda topic: topic.name)
def test_the_headers_of_an_output_fit(topic: Any) -> None:
    document = topic.model.model_validate_json(SAMPLE)
    trace = (("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
    headers_fit("outputHeaders", codec.encode(document, topic, origin="documents.raw/0/1", trace=trace).headers)


@pytest.mark.parametrize(
    "said", [assigned("a", "a"), trend("libya"), bursting("libya")], ids=lambda said: type(said).__name__
)
def test_what_insights_say_fits_its_schema(said: Model) -> None:
    topic, (key, value, _) = message(said)
    (name,) = DOCUMENT["channels"][topic.name]["messages"]
    described = DOCUMENT["components"]["messages"][name]
    file = described["payload"]["$ref"]

    Draft202012Validator(described["bindings"]["kafka"]["key"]).validate((key or b"").decode())
    Draft202012Validator(json.loads((EXPORTED / file).read_text(encoding="utf-8"))).validate(json.loads(value or b""))


@pytest.mark.parametrize("exception", [None, ValueError("x")])
def test_the_headers_of_a_dead_letter_fit(exception: Exception | None) -> None:
    record = Record("documents.raw", 0, 1, -1, None, None)
    letter = codec.dead_letter(
        record, reason=Reason.NULL_VALUE, stage="clean", message="x", exception=exception, group="g"
    )
    headers_fit("deadLetterHeaders", letter.headers)
