"""Where a document is, on a real broker: what is kept of it, and what stands before it."""

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from schemas.topics import CLASSIFIED, DEAD_LETTER, EMBEDDED_PARTITIONS, RAW, tag_topic
from services.kafka.partitioning import partition_of
from services.kafka.settings import KafkaSettings
from services.monitor.journey import journey
from services.monitor.where import Stop, Verdict, WhereError, stop_line, where
from tests.brokers import produce
from tests.monitor.documents import classified, dead_letter

GROUP = "tagwire-clean-route"


async def send_raw(settings: KafkaSettings, value: bytes, *, key: bytes | None, partition: int) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap_servers)
    await producer.start()
    try:
        sent = await producer.send_and_wait(settings.topic(RAW), value, key=key, partition=partition)
    finally:
        await producer.stop()
    return int(sent.offset)


async def commit(settings: KafkaSettings, partition: int, offset: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers, group_id=settings.group(GROUP), enable_auto_commit=False
    )
    await consumer.start()
    try:
        place = TopicPartition(settings.topic(RAW), partition)
        consumer.assign([place])
        await consumer.commit({place: offset})
    finally:
        await consumer.stop()


async def found(settings: KafkaSettings, document_id: str, *, since_ms: int = 0) -> list[Stop]:
    return await where(settings, journey(settings), document_id, since_ms=since_ms)


async def test_the_way_of_a_document_from_raw_to_its_topics(settings: KafkaSettings) -> None:
    servers = settings.bootstrap_servers
    await produce(servers, settings.topic(RAW), [(b"doc-%d" % n, b"text", ()) for n in range(20)])
    place = partition_of(b"doc-7", EMBEDDED_PARTITIONS)
    origin = f"{settings.topic(RAW)}/{place}/0"
    for topic in (CLASSIFIED, tag_topic("libya")):
        await produce(
            servers, settings.topic(topic), [classified("doc-7", origin=origin), classified("doc-8", origin="")]
        )

    stops = await found(settings, "doc-7")

    assert [(stop.topic.removeprefix(settings.topic_prefix), stop.partition) for stop in stops] == [
        ("documents.raw", place),
        ("documents.classified", place),
        ("tags.libya", place),
    ]
    assert [stop.verdict for stop in stops[1:]] == [Verdict.CLASSIFIED, Verdict.ROUTED]
    assert [stop.origin for stop in stops] == [None, origin, origin]
    assert stops == sorted(stops, key=lambda stop: stop.at_ms)


async def test_a_dead_letter_is_found_whatever_its_key(settings: KafkaSettings) -> None:
    offset = await send_raw(settings, b"<p></p>", key=b"bad-1", partition=0)
    letter = dead_letter("bad-1", settings.topic(RAW), partition=0, offset=offset)
    await produce(settings.bootstrap_servers, settings.topic(DEAD_LETTER), [letter])
    await commit(settings, 0, offset + 1)

    raw, dead = await found(settings, "bad-1")

    assert raw.verdict is Verdict.RECEIVED
    assert dead.verdict is Verdict.DEAD
    assert dead.message == "no_text in clean: page of 7 characters holds no article text"
    assert dead.origin == raw.position


async def test_what_waits_is_told_with_what_is_before_it(settings: KafkaSettings) -> None:
    for _ in range(3):
        await send_raw(settings, b"another", key=b"another", partition=1)
    offset = await send_raw(settings, b"text", key=b"late", partition=1)
    (nobody,) = await found(settings, "late")
    await commit(settings, 1, 1)
    (waiting,) = await found(settings, "late")
    await commit(settings, 1, offset + 1)
    (read,) = await found(settings, "late")

    assert (nobody.verdict, nobody.message) == (Verdict.WAITING, "no worker has begun to read this topic")
    assert (waiting.verdict, waiting.message) == (
        Verdict.WAITING,
        f"{settings.group(GROUP)} has 2 offsets to read before it",
    )
    assert (read.verdict, read.message) == (Verdict.RECEIVED, "it was read, and nothing that became of it is kept")


async def test_a_producer_that_uses_no_key_or_its_own_partitions_hides_nothing(settings: KafkaSettings) -> None:
    own = partition_of(b"wire-1", EMBEDDED_PARTITIONS)
    elsewhere = (own + 1) % EMBEDDED_PARTITIONS
    envelope = orjson.dumps({"id": "wire-1", "source": "wire", "body": "text"})
    offset = await send_raw(settings, envelope, key=None, partition=elsewhere)
    await send_raw(settings, b"it speaks of wire-1", key=b"wire-2", partition=own)

    (stop,) = await found(settings, "wire-1")

    assert (stop.partition, stop.offset) == (elsewhere, offset)


async def test_before_the_time_that_is_asked_for_nothing_is_shown(settings: KafkaSettings) -> None:
    await send_raw(settings, b"text", key=b"old", partition=0)

    with pytest.raises(WhereError, match=r"is kept in .*, since 2096-10-02T07:06:40\.000Z"):
        await found(settings, "old", since_ms=4_000_000_000_000)


async def test_of_very_many_records_the_last_ones_are_shown(settings: KafkaSettings) -> None:
    sent = [await send_raw(settings, b"text", key=b"same", partition=2) for _ in range(5)]

    stops = await where(settings, journey(settings), "same", most=3)

    assert [stop.offset for stop in stops] == sent[-3:]


async def test_an_id_that_nobody_has_seen_is_one_sentence(settings: KafkaSettings) -> None:
    with pytest.raises(WhereError, match=r"no record of 'no such' is kept in .*documents\.raw"):
        await found(settings, "no such")


def test_a_stop_is_a_line_of_json() -> None:
    stop = Stop(1_700_000_000_000, "documents.raw", 1, 17, Verdict.RECEIVED, "", None)

    assert orjson.loads(stop_line(stop)) == {
        "time": "2023-11-14T22:13:20.000Z",
        "topic": "documents.raw",
        "partition": 1,
        "offset": 17,
        "verdict": "received",
        "message": "",
        "origin": None,
    }
