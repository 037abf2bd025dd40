"""The whole journey on a real broker: what goes into documents.raw comes out of documents.classified, tagged."""

import orjson
import pytest
from aiokafka import ConsumerRecord

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, CLEAN, DEAD_LETTER, ENRICHED, MIB, RAW, tag_topic
from services.kafka.client import record_of
from services.kafka.settings import KafkaSettings
from services.worker.flow import JOURNEY, load_resources
from services.worker.transform import Plan, transform
from tests.articles import article
from tests.brokers import Message, produce, read_committed, until
from tests.journey.conftest import worker

ARTICLE = """Police in Libya arrest suspects after a terrorist attack

TRIPOLI (Reuters) - Counterterrorism police in Libya said on Monday that they had arrested eleven suspected militants.

The raids in Tripoli and Benghazi followed a suicide bombing that ISIS claimed, security officials in Libya said.
"""

Records = list[ConsumerRecord[bytes | None, bytes | None]]


async def sent_and_processed(
    settings: KafkaSettings, messages: list[Message], *arguments: str
) -> tuple[Records, Records]:
    """Publish with a plain producer, run one worker until all came out; return outputs and dead letters."""
    await produce(settings.bootstrap_servers, settings.topic(RAW), messages)
    found: tuple[Records, Records] = ([], [])

    async def all_out() -> bool:
        nonlocal found
        found = (
            await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED)),
            await read_committed(settings.bootstrap_servers, settings.topic(DEAD_LETTER)),
        )
        return len(found[0]) + len(found[1]) >= len(messages)

    async with worker(settings, *arguments):
        await until(all_out, within_s=60)
    return found


def text_headers(record: ConsumerRecord[bytes | None, bytes | None]) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


async def test_an_article_of_a_plain_producer_comes_out_tagged(settings: KafkaSettings) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    message: Message = (b"wire-1", ARTICLE.encode(), [(headers.TRACEPARENT, trace.encode())])

    (record,), dead = await sent_and_processed(settings, [message])

    document = ClassifiedDocument.model_validate_json(record.value or b"")
    told = text_headers(record)
    assert dead == []
    assert {"libya", "counterterrorism"} <= {tag.id for tag in document.tags}
    assert all(document.text[e.start : e.end] == e.term for t in document.tags for e in t.evidence if e.field == "text")
    assert record.key == b"wire-1"
    assert told[headers.CE_ID] == "wire-1:1"
    assert told[headers.CE_TYPE] == "tagwire.document.classified.v1"
    assert told[headers.TRACEPARENT] == trace
    assert told[headers.TAGS].split(",") == [tag.id for tag in document.tags]
    assert told[headers.ORIGIN].startswith(f"{settings.topic(RAW)}/")


async def test_routed_tags_have_their_documents_in_topics_of_their_own(settings: KafkaSettings) -> None:
    (classified,), _ = await sent_and_processed(settings, [(b"wire-1", ARTICLE.encode(), ())])

    for tag in ("libya", "counterterrorism"):
        (routed,) = await read_committed(settings.bootstrap_servers, settings.topic(tag_topic(tag)))
        assert (routed.key, routed.value) == (classified.key, classified.value)


async def test_what_cannot_be_processed_is_a_dead_letter_with_its_reason_and_the_rest_flows_on(
    settings: KafkaSettings,
) -> None:
    jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb004300") + bytes(range(256)) * 20
    bad = {
        b"empty": b"",
        b"huge": b"A long story. " * (9 * MIB // 14 + 1),
        b"picture": jpeg,
        b"envelope": orjson.dumps({"source": "x", "body": "text", "version": "three"}),
        b"null": None,
    }
    messages: list[Message] = [(b"before", ARTICLE.encode(), ())]
    messages += [(key, value, [("x-own", b"kept")]) for key, value in bad.items()]
    messages += [(b"after-%d" % n, ARTICLE.encode(), ()) for n in range(20)]

    out, dead = await sent_and_processed(settings, messages)

    assert {record.key for record in out} == {b"before", *(b"after-%d" % n for n in range(20))}
    assert {record.key: record.value for record in dead} == bad
    assert {record.key: text_headers(record)[headers.DLQ_REASON] for record in dead} == {
        b"empty": "empty_body",
        b"huge": "too_large",
        b"picture": "not_text",
        b"envelope": "invalid_document",
        b"null": "null_value",
    }
    assert all(text_headers(record)["x-own"] == "kept" for record in dead)
    assert "version" in next(text_headers(r)[headers.DLT_MESSAGE] for r in dead if r.key == b"envelope")
    assert all(text_headers(record)[headers.DLT_TOPIC] == settings.topic(RAW) for record in dead)


async def test_a_journey_in_three_workers_ends_like_one_in_one(settings: KafkaSettings) -> None:
    messages: list[Message] = [(*article(number), ()) for number in range(50)]
    async with worker(settings, "--stages", "enrich-classify"), worker(settings, "--stages", "route"):
        apart, _ = await sent_and_processed(settings, messages, "--stages", "clean")

    resources, plan = load_resources(), Plan(JOURNEY[:-1], group="")
    raw = await read_committed(settings.bootstrap_servers, settings.topic(RAW))
    at_once = [transform(record_of(message), plan, resources).outputs[0] for message in raw]
    assert len(apart) == len(messages)
    assert {(r.key, r.value, tuple(r.headers)) for r in apart} == {(o.key, o.value, o.headers) for o in at_once}


@pytest.mark.parametrize(("asked", "written"), [("", set()), ("clean,enrich", {CLEAN.name, ENRICHED.name})])
async def test_documents_on_the_way_are_written_when_asked(
    settings: KafkaSettings, asked: str, written: set[str]
) -> None:
    await sent_and_processed(settings, [(b"wire-1", ARTICLE.encode(), ())], "--publish", asked)

    counts = {
        topic.name: len(await read_committed(settings.bootstrap_servers, settings.topic(topic)))
        for topic in (CLEAN, ENRICHED)
    }
    assert counts == {topic.name: int(topic.name in written) for topic in (CLEAN, ENRICHED)}
