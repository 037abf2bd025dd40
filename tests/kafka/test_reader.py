"""Topics -> records: to where they ended, from a time, for ever; and a broker that goes away is told of."""

import asyncio
import time
from contextlib import aclosing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from schemas.topics import CLASSIFIED, RAW, Topic
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.reader import Link, ReadError, Span, ends, follow, read, spans
from services.kafka.settings import KafkaSettings
from tests.brokers import create_topic, produce, produce_unreadable, until

ME = "tests"


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix)
    await create_topic(kafka, settings.topic(RAW), partitions=2)
    return settings


async def send(settings: KafkaSettings, *values: bytes, topic: Topic = RAW) -> None:
    await produce(settings.bootstrap_servers, settings.topic(topic), [(b"k", value, ()) for value in values])


async def test_reading_ends_where_the_topic_ended(settings: KafkaSettings) -> None:
    await send(settings, b"1", b"2")
    until_now = await ends(settings, RAW, client_id=ME)
    await send(settings, b"3")

    async with aclosing(read(settings, RAW, until_now, client_id=ME)) as records:
        found = [record.value async for record in records]

    assert found == [b"1", b"2"]


async def test_reading_begins_at_a_time(settings: KafkaSettings) -> None:
    await send(settings, b"before")
    await asyncio.sleep(0.01)
    since_ms = int(time.time() * 1000)
    await send(settings, b"after")

    until_now = await ends(settings, RAW, client_id=ME)
    async with aclosing(read(settings, RAW, until_now, client_id=ME, since_ms=since_ms)) as records:
        found = [record.value async for record in records]

    assert found == [b"after"]


async def test_a_record_that_no_client_can_read_is_stepped_over(settings: KafkaSettings) -> None:
    """The name of one of its headers is no UTF-8; nor can what follows in the batch of its producer be read."""
    await send(settings, *(b"before %d" % number for number in range(5)))
    for number in range(2):
        values = [b"%d/%d" % (number, each) for each in range(4)]
        await produce_unreadable(settings.bootstrap_servers, settings.topic(RAW), values, at=2)
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"%d" % n, b"after", ()) for n in range(20)])

    until_now = await ends(settings, RAW, client_id=ME)
    with capture_logs() as said:
        async with aclosing(read(settings, RAW, until_now, client_id=ME)) as records:
            found = sorted([record.value or b"" async for record in records])

    assert found == sorted([*(b"before %d" % n for n in range(5)), b"0/0", b"0/1", b"1/0", b"1/1", *[b"after"] * 20])
    assert [line["event"] for line in said] == ["record_unreadable"] * 4


async def test_a_follower_steps_over_a_record_that_no_client_can_read(settings: KafkaSettings) -> None:
    await send(settings, b"before")
    await produce_unreadable(settings.bootstrap_servers, settings.topic(RAW), [b"0", b"1", b"2"], at=1)
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"%d" % n, b"after", ()) for n in range(20)])

    found: list[bytes] = []
    async with aclosing(follow(settings, RAW, from_start=True, client_id=ME)) as records, asyncio.timeout(60):
        async for record in records:
            found.append(record.value or b"")
            if len(found) == 22:
                break

    assert sorted(found) == [b"0", *[b"after"] * 20, b"before"]


async def test_a_topic_that_is_missing_holds_nothing_and_has_no_end(settings: KafkaSettings) -> None:
    await send(settings, b"1", b"2")

    held = await spans(settings, [RAW, CLASSIFIED], client_id=ME)

    assert {place[0] for place in held} == {settings.topic(RAW)}
    assert sorted(held.values()) == [Span(0, 0), Span(0, 2)]
    with pytest.raises(ReadError, match=f"missing on .*{CLASSIFIED.name}"):
        await ends(settings, CLASSIFIED, client_id=ME)


async def test_what_is_committed_once_a_follower_is_ready_comes(settings: KafkaSettings) -> None:
    await send(settings, b"before")
    links: asyncio.Queue[Link] = asyncio.Queue()

    async with aclosing(follow(settings, RAW, from_start=False, client_id=ME, on_link=links.put_nowait)) as records:
        first = asyncio.ensure_future(anext(records))
        assert await asyncio.wait_for(links.get(), 30) is Link.READY
        await send(settings, b"after")

        assert (await asyncio.wait_for(first, 30)).value == b"after"


async def test_a_follower_tells_when_it_has_read_what_was_there(settings: KafkaSettings) -> None:
    await send(settings, b"1", b"2")
    heard: list[object] = []

    async with aclosing(follow(settings, RAW, from_start=True, client_id=ME, on_link=heard.append)) as records:
        heard += [(await anext(records)).value, (await anext(records)).value]
        after = asyncio.ensure_future(anext(records))

        async def has_caught_up() -> bool:
            return Link.CAUGHT_UP in heard

        await until(has_caught_up, within_s=30)
        await send(settings, b"3")
        heard.append((await asyncio.wait_for(after, 30)).value)

    assert heard == [Link.READY, b"1", b"2", Link.CAUGHT_UP, b"3"]


async def test_a_follower_tells_when_kafka_goes_and_comes_back(kafka: str, tmp_path: Path) -> None:
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path, port=0))
    await broker.start()
    try:
        settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        await create_topic(broker.bootstrap_servers, RAW.name)
        links: list[Link] = []

        async def last_is(link: Link) -> bool:
            return links[-1:] == [link]

        async with aclosing(follow(settings, RAW, from_start=True, client_id=ME, on_link=links.append)) as records:
            first = asyncio.ensure_future(anext(records))
            await until(lambda: last_is(Link.CAUGHT_UP), within_s=30)
            await broker.stop()
            await until(lambda: last_is(Link.LOST), within_s=30)
            await broker.start()
            await until(lambda: last_is(Link.BACK), within_s=60)
            await send(settings, b"1")

            assert (await asyncio.wait_for(first, 30)).value == b"1"
        assert links == [Link.READY, Link.CAUGHT_UP, Link.LOST, Link.BACK]
    finally:
        await broker.stop()
