"""Topics -> the AsyncAPI 3.0 document: what flows where, seen from tagwire."""

import ast
import inspect
import textwrap
from enum import StrEnum
from typing import Any, Final

from schemas import headers, topics
from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument, CleanDocument, EnrichedDocument, Model, RawDocument
from schemas.insights import StoryAssignment, TagHistory, TagTrend
from schemas.topics import Topic
from schemas.workers import WorkerHeartbeat

CONTRACT_VERSION: Final = "1.1.0"
"""Of topics and fields: a new topic or optional field raises the second number. A `.v2` topic raises the first."""

SCHEMA_FILES: Final[dict[type[Model], str]] = {
    RawDocument: "raw-document.schema.json",
    CleanDocument: "clean-document.schema.json",
    EnrichedDocument: "enriched-document.schema.json",
    ClassifiedDocument: "classified-document.schema.json",
    WorkerHeartbeat: "worker-heartbeat.schema.json",
    StoryAssignment: "story-assignment.schema.json",
    TagTrend: "tag-trend.schema.json",
    TagHistory: "tag-history.schema.json",
}

_BINDING_VERSION: Final = "0.5.0"

_Json = dict[str, Any]


def asyncapi() -> _Json:
    """Return the document. It names the schema files beside it and is otherwise complete in itself."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "tagwire",
            "version": CONTRACT_VERSION,
            "description": "Turns raw news documents into clean, enriched, tagged ones while they flow through Kafka. "
            "An installation may put a prefix before every topic's name.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(),
        "operations": _operations(),
        "components": {"messages": _messages(), "schemas": _header_schemas()},
    }


def member_docstrings(enum: type[StrEnum]) -> dict[str, str]:
    """Return the text under each member of an enum, by the member's value; nothing for a member that has none."""
    (class_def,) = ast.parse(textwrap.dedent(inspect.getsource(enum))).body
    assert isinstance(class_def, ast.ClassDef)
    found = {}
    for statement, after in zip(class_def.body, class_def.body[1:], strict=False):
        match statement, after:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[enum[name].value] = inspect.cleandoc(text)
    return found


def _channels() -> _Json:
    # What insights write for themselves alone, and change as they like, is none of them.
    messages = {
        topics.RAW: ("rawDocument", "bareBody", "cloudEvent"),
        topics.CLEAN: ("cleanDocument",),
        topics.ENRICHED: ("enrichedDocument",),
        topics.CLASSIFIED: ("classifiedDocument",),
        topics.DEAD_LETTER: ("deadLetter",),
        topics.WORKERS: ("workerHeartbeat", "workerStopped"),
        topics.STORIES: ("storyAssignment",),
        topics.TRENDS: ("tagTrend",),
        topics.TAG_HISTORY: ("tagHistory",),
    }
    tagged = _channel(topics.tag_topic("{tag}"), ("classifiedDocument",))
    # The binding's name of the topic is fixed text; here the address says it.
    del tagged["bindings"]["kafka"]["topic"]
    tagged["description"] = "Documents that have one tag, where its definition says `route: true`."
    tagged["parameters"] = {"tag": {"description": "Id of the tag.", "examples": ["counterterrorism", "libya"]}}
    return {**{topic.name: _channel(topic, messages[topic]) for topic in messages}, tagged["address"]: tagged}


def _channel(topic: Topic, messages: tuple[str, ...]) -> _Json:
    return {
        "address": topic.name,
        "description": topic.description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": list(topic.cleanup),
                    "retention.ms": topic.retention_ms,
                    "max.message.bytes": topic.max_message_bytes,
                    **({"delete.retention.ms": int(kept)} if (kept := topic.more.get("delete.retention.ms")) else {}),
                },
                "bindingVersion": _BINDING_VERSION,
            }
        },
    }


def _operations() -> _Json:
    clean, enriched = topics.CLEAN.name, topics.ENRICHED.name
    return {
        "receiveRaw": _operation("receive", topics.RAW.name, "A worker takes what producers publish."),
        "sendClean": _operation("send", clean, "A worker that was asked to, or that runs `clean` alone."),
        "receiveClean": _operation("receive", clean, "A worker that begins with `enrich`."),
        "sendEnriched": _operation("send", enriched, "A worker that was asked to, or that ends with `enrich`."),
        "receiveEnriched": _operation("receive", enriched, "A worker that begins with `classify`."),
        "sendClassified": _operation("send", topics.CLASSIFIED.name, "Every usable document, tagged or not."),
        "sendTagged": _operation("send", topics.tag_topic("{tag}").name, "A document, once for each routed tag."),
        "sendDeadLetter": _operation("send", topics.DEAD_LETTER.name, "A record that could not be processed."),
        "sendStory": _operation("send", topics.STORIES.name, "Insights, when a document is found to be of a story."),
        "sendTrend": _operation("send", topics.TRENDS.name, "Insights, when a burst of a tag starts, grows or ends."),
        "sendTagHistory": _operation("send", topics.TAG_HISTORY.name, "Insights, when a tag's numbers have changed."),
        "sendHeartbeat": _operation("send", topics.WORKERS.name, "A worker, every few seconds and when it stops."),
    }


def _operation(action: str, channel: str, summary: str) -> _Json:
    # A JSON pointer in a URI: braces are escaped (RFC 6901, section 6).
    pointer = channel.replace("{", "%7B").replace("}", "%7D")
    return {"action": action, "channel": {"$ref": f"#/channels/{pointer}"}, "summary": summary}


def _messages() -> _Json:
    key = {"type": "string", "minLength": 1, "maxLength": 512, "description": "Id of the document, as UTF-8."}
    worker = {"type": "string", "minLength": 1, "maxLength": 512, "description": "Id of the worker, as UTF-8."}
    tag = {"type": "string", "minLength": 1, "maxLength": 64, "description": "Id of the tag, as UTF-8."}
    json_content = "application/json"
    return {
        "rawDocument": _message("A RawDocument as JSON", json_content, _file(RawDocument), "producerHeaders", key),
        "bareBody": _message(
            "A page or text as it is, described by its headers",
            "text/html",
            {"type": "string", "description": "HTML or plain text, in the encoding that content-type names, or none."},
            "producerHeaders",
            key,
        ),
        "cloudEvent": _message(
            "A CloudEvent in structured mode, whose data is one of the two",
            "application/cloudevents+json",
            {
                "type": "object",
                "required": ["specversion", "id", "source", "type"],
                "properties": {
                    "specversion": {"const": "1.0"},
                    "id": {"type": "string", "minLength": 1},
                    "source": {"type": "string", "minLength": 1},
                    "type": {"type": "string", "minLength": 1},
                    "datacontenttype": {"type": "string"},
                    "data": {"anyOf": [_file(RawDocument), {"type": "string"}]},
                    "data_base64": {"type": "string"},
                },
            },
            "producerHeaders",
            key,
        ),
        "cleanDocument": _message(
            "A document without its clutter", json_content, _file(CleanDocument), "outputHeaders", key
        ),
        "enrichedDocument": _message(
            "A clean document with its language and places", json_content, _file(EnrichedDocument), "outputHeaders", key
        ),
        "classifiedDocument": _message(
            "A tagged document with the evidence of each tag",
            json_content,
            _file(ClassifiedDocument),
            "outputHeaders",
            key,
        ),
        "deadLetter": _message(
            "The record that could not be processed, verbatim",
            "application/octet-stream",
            {"description": "The original value: any bytes, or none."},
            "deadLetterHeaders",
            {"description": "The original key."},
        ),
        "storyAssignment": _message(
            "Which story a document belongs to", json_content, _file(StoryAssignment), "insightHeaders", key
        ),
        "tagTrend": _message("What happened to a burst of a tag", json_content, _file(TagTrend), "insightHeaders", tag),
        "tagHistory": _message("Where a tag stands", json_content, _file(TagHistory), "insightHeaders", tag),
        "workerHeartbeat": _message(
            "What a worker says of itself", json_content, _file(WorkerHeartbeat), "heartbeatHeaders", worker
        ),
        "workerStopped": _message(
            "A tombstone: the worker has stopped in an orderly way",
            json_content,
            {"type": "null", "description": "No value."},
            "heartbeatHeaders",
            worker,
        ),
    }


def _message(title: str, content_type: str, payload: _Json, header_schema: str, key: _Json) -> _Json:
    return {
        "title": title,
        "contentType": content_type,
        "headers": {"$ref": f"#/components/schemas/{header_schema}"},
        "payload": payload,
        "bindings": {"kafka": {"key": key, "bindingVersion": _BINDING_VERSION}},
    }


def _file(model: type[Model]) -> _Json:
    return {"$ref": f"./{SCHEMA_FILES[model]}"}


def _header_schemas() -> _Json:
    trace = {
        headers.TRACEPARENT: _text("W3C Trace Context, carried through."),
        headers.TRACESTATE: _text("W3C Trace Context, carried through."),
    }
    return {
        "producerHeaders": {
            "type": "object",
            "description": "All optional. They speak where the value does not; of a CloudEvent, its own fields do.",
            "properties": {
                headers.CONTENT_TYPE: _text(
                    "`text/*` makes the value a bare body: `text/html; charset=windows-1251`. "
                    "`application/json` says that it is a JSON object."
                ),
                headers.CE_ID: _text("Id of the document, where the body has none."),
                headers.CE_SOURCE: _text("Source of a bare body; `unknown` without it."),
                **trace,
            },
        },
        "outputHeaders": {
            "type": "object",
            "description": "CloudEvents 1.0 in Kafka's binary mode, and what a subscriber needs to skip or find one.",
            "required": [
                headers.CE_SPECVERSION,
                headers.CE_ID,
                headers.CE_SOURCE,
                headers.CE_TYPE,
                headers.CE_TIME,
                headers.CONTENT_TYPE,
                headers.ORIGIN,
            ],
            "properties": {
                headers.CE_SPECVERSION: {"const": "1.0"},
                headers.CE_ID: _text("`id:version` of the document."),
                headers.CE_SOURCE: _text("The document's source, as its producer wrote it."),
                headers.CE_TYPE: {
                    "enum": [f"tagwire.document.{stage}.v1" for stage in ("clean", "enriched", "classified")]
                },
                headers.CE_TIME: {"type": "string", "format": "date-time", "description": "Same as `received_at`."},
                headers.CONTENT_TYPE: {"const": "application/json"},
                headers.TAGS: _text(
                    "On classified documents: tag ids separated by commas, most relevant first; empty without tags."
                ),
                headers.LANGUAGE: _text("On enriched and classified documents: BCP 47, `und` when unsure."),
                headers.ORIGIN: _text("`topic/partition/offset` of the raw record."),
                **trace,
            },
        },
        "deadLetterHeaders": {
            "type": "object",
            "description": "Beside the original headers.",
            "required": [
                headers.DLT_TOPIC,
                headers.DLT_PARTITION,
                headers.DLT_OFFSET,
                headers.DLT_TIMESTAMP,
                headers.DLT_GROUP,
                headers.DLT_MESSAGE,
                headers.DLQ_REASON,
                headers.DLQ_STAGE,
                headers.DLQ_REPLAY_COUNT,
            ],
            "properties": {
                headers.DLT_TOPIC: _text("Where the record was read, as the broker names it."),
                headers.DLT_PARTITION: _digits("Decimal."),
                headers.DLT_OFFSET: _digits("Decimal."),
                headers.DLT_TIMESTAMP: {
                    "type": "string",
                    "pattern": "^-?[0-9]+$",
                    "description": "Milliseconds since 1970; -1 when the record has none.",
                },
                headers.DLT_GROUP: _text("Consumer group of the worker."),
                headers.DLT_MESSAGE: _text("What was expected and what came; at most 1,000 characters."),
                headers.DLT_EXCEPTION: _text("Class of the exception, where one was raised."),
                headers.DLT_STACKTRACE: _text("The last 4,000 characters of it, where an exception was raised."),
                headers.DLQ_REASON: {
                    "type": "string",
                    "oneOf": [
                        {"const": code, "description": meaning} for code, meaning in member_docstrings(Reason).items()
                    ],
                },
                headers.DLQ_STAGE: _text("`clean`, `enrich`, `classify` or `route`."),
                headers.DLQ_REPLAY_COUNT: _digits("How often the record was put back before."),
            },
        },
        "heartbeatHeaders": {"type": "object", "description": "None."},
        "insightHeaders": {"type": "object", "description": "None."},
    }


def _text(description: str) -> _Json:
    return {"type": "string", "description": description}


def _digits(description: str) -> _Json:
    return {"type": "string", "pattern": "^[0-9]+$", "description": description}
