"""What the page shows is what Kafka says, and comes by itself."""

import asyncio

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from playwright.async_api import Browser, Locator, Page, expect

from schemas import headers
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, WORKERS
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from tests.brokers import produce, read_committed
from tests.heartbeats import heartbeat, message
from tests.journey.conftest import worker
from tests.monitor.documents import classified, dead_letter
from tests.monitor.page.conftest import TOKEN, monitored, opened

ARTICLE = b"""<html><body><article><h1>Militia in Libya agrees to truce</h1>
<p>TRIPOLI (Reuters) - Counterterrorism officers in Libya arrested three suspected militants on Tuesday,
\xf0\x9f\x99\x82 the interior ministry said. The militants belonged to a terrorist group that had bombed a
checkpoint in Benghazi.</p>
<p>The Libyan government said that the counterterrorism operation would go on until the militants had left
the country, and that the police had seized weapons and explosives in two houses of the capital.</p>
</article></body></html>"""


def group_row(page: Page, name: str) -> Locator:
    return page.locator("#group-table tbody tr").filter(has_text=name)


async def cell(row: Locator, label: str) -> str:
    return await row.locator(f"td[data-label='{label}']").inner_text()


async def test_a_published_document_comes_by_itself_with_its_tags_and_words(
    page: Page, settings: KafkaSettings
) -> None:
    await expect(page.locator("#documents")).to_contain_text("No document has come out yet.")
    async with worker(settings):
        await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"libya-1", ARTICLE, [])])
        title = page.get_by_role("button", name="Militia in Libya agrees to truce")
        await expect(title).to_be_visible(timeout=60_000)  # a worker starts, which takes long on a busy machine
        await expect(page.locator("#worker-table")).to_contain_text("0123")
        await expect(page.locator("#worker-table code")).not_to_have_text("–")
        (record,) = await read_committed(settings.bootstrap_servers, settings.topic(CLASSIFIED))
        document = ClassifiedDocument.model_validate_json(record.value or b"")
        await expect(page.locator("#worker-table code")).to_have_text(document.taxonomy_version[:12])
    tags = await page.locator(".entry .tags li").all_inner_texts()
    await title.click()
    for tag in document.tags:
        await page.get_by_role("button", name=tag.label, exact=True).click()
        in_text = sorted({(each.field, each.start, each.term) for each in tag.evidence if each.field == "text"})
        assert await page.locator(".reading .text mark").all_inner_texts() == [term for *_, term in in_text]

    assert document.tags
    assert tags == [tag.label for tag in document.tags]
    assert "🙂" in document.text
    assert await page.locator(".reading .text").inner_text() == document.text


async def test_a_worker_that_falls_silent_is_told_with_its_reason_and_one_without_heartbeats_is_shown(
    page: Page, settings: KafkaSettings
) -> None:
    group, servers = settings.group("tagwire-clean-route"), settings.bootstrap_servers
    # Of a worker that would speak again in a tenth of a second.
    killed = heartbeat(group=group, interval_s=0.1, http_address="http://127.0.0.1:1")
    await produce(servers, settings.topic(WORKERS), [message(killed)])
    rows = page.locator("#worker-table tbody tr")
    await expect(rows).to_have_count(1)
    await expect(rows.locator(".silence")).to_contain_text("killed, or cut off from Kafka")
    link = rows.get_by_role("link", name="web-1:42")
    await expect(link).to_have_attribute("href", "http://127.0.0.1:1/healthz")
    consumer = AIOKafkaConsumer(
        settings.topic(RAW), bootstrap_servers=servers, group_id=group, client_id="of-old", enable_auto_commit=False
    )
    await consumer.start()
    try:
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("of-old")
        await expect(rows.first.locator("td[data-label='Partitions']")).to_contain_text("0123")
        await expect(rows.first.locator("code")).to_have_text("–")
    finally:
        await consumer.stop()
    await produce(servers, settings.topic(WORKERS), [(killed.id.encode(), None, ())])
    await expect(rows).to_have_count(0)


async def test_lag_and_status_are_those_of_kafka_and_of_the_api(page: Page, url: str, settings: KafkaSettings) -> None:
    topic, group = settings.topic(RAW), settings.group("subscriber")
    await produce(settings.bootstrap_servers, topic, [(b"%d" % n, b"text", ()) for n in range(40)])
    partitions = [TopicPartition(topic, number) for number in range(4)]
    async with aiohttp.ClientSession() as session:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.commit(dict.fromkeys(partitions, 3))
            kafka_says = sum(ends.values()) - 4 * 3
        finally:
            await consumer.stop()
        row = group_row(page, group)
        await expect(row.locator(".badge")).to_have_text("STOP")
        await expect(row.locator("td[data-label='Lag']")).to_have_text(str(kafka_says))
        async with session.get(f"{url}api/v1/groups/{group}") as answer:
            told = await answer.json()
        await row.get_by_role("button").click()
        rows = page.get_by_role("dialog").locator("tbody tr")
        await expect(rows).to_have_count(4)
        shown = [
            (int(await cell(each, "Committed")), int(await cell(each, "End")), int(await cell(each, "Lag")))
            for each in await rows.all()
        ]

    assert kafka_says == told["lag"] == sum(lag for *_, lag in shown)
    assert [(3, ends[each], ends[each] - 3) for each in partitions] == shown
    assert told["why"] in await row.inner_text()
    ours = settings.group("tagwire-clean-route")
    await expect(page.locator(".card.group").filter(has_text=ours)).to_contain_text("40")
    await expect(page.locator("#verdict")).to_contain_text(f"Something is wrong · {ours} is STOP")


async def test_a_change_of_a_status_is_told_to_those_who_listen_and_nothing_else(
    page: Page, settings: KafkaSettings
) -> None:
    ours = settings.group("tagwire-clean-route")
    await expect(group_row(page, ours).locator(".badge")).to_have_text("EMPTY")
    before = await page.get_by_role("status").first.inner_text()
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"1", b"text", ())])

    await expect(page.get_by_role("status").filter(has_text=f"{ours} is now STOP")).to_have_count(1)
    assert before == ""


async def test_a_monitor_that_was_away_is_found_again_without_a_reload(
    browser: Browser, settings: KafkaSettings
) -> None:
    port = free_port(0)
    away = page = None
    async with monitored(settings, port=port) as url:
        away = opened(browser, url)
        page = await away.__aenter__()
    await expect(page.get_by_role("alert").filter(has_text="the monitor does not answer")).to_be_visible()
    async with monitored(settings, port=port):
        await expect(page.locator("#banner")).to_be_hidden()
        await produce(
            settings.bootstrap_servers,
            settings.topic(CLASSIFIED),
            [classified("doc-1", origin=f"{settings.topic(RAW)}/0/1")],
        )
        await expect(page.get_by_role("button", name="Militia agrees")).to_be_visible()
        await away.__aexit__(None, None, None)


async def test_a_dead_letter_is_read_tried_and_put_back(page: Page, settings: KafkaSettings) -> None:
    topic = settings.topic(RAW)
    key, _, told = dead_letter("bad-1", topic)
    await produce(settings.bootstrap_servers, settings.topic(DEAD_LETTER), [(key, ARTICLE, told)])
    letters = page.locator("#letters")
    await letters.get_by_text("Browse them").click()
    await letters.get_by_role("button", name="bad-1").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("page of 7 characters holds no article text")
    await expect(dialog.get_by_label("Start of the body")).to_contain_text("<h1>Militia in Libya agrees to truce</h1>")
    await dialog.get_by_role("button", name="Put back …").click()
    await dialog.get_by_label("The monitor's token").fill("a-wrong-token-of-that-length")
    await dialog.get_by_role("button", name="Try").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("the token")
    await dialog.get_by_label("The monitor's token").fill(TOKEN)
    await dialog.get_by_role("button", name="Try").click()
    await expect(dialog.get_by_role("status")).to_contain_text("1 of 1 would now pass", timeout=60_000)
    before = await read_committed(settings.bootstrap_servers, topic)
    await dialog.get_by_role("button", name="Put back 1").click()
    await expect(dialog.get_by_role("status")).to_contain_text("1 of 1 put back", timeout=60_000)
    (record,) = await read_committed(settings.bootstrap_servers, topic)

    assert before == []
    assert (record.key, record.value) == (key, ARTICLE)
    assert dict(record.headers)[headers.DLQ_REPLAY_COUNT] == b"1"


async def test_without_a_token_it_says_how_to_put_back(browser: Browser, settings: KafkaSettings) -> None:
    await produce(settings.bootstrap_servers, settings.topic(DEAD_LETTER), [dead_letter("bad-1", settings.topic(RAW))])
    async with monitored(settings, token=None) as url, opened(browser, url) as page:
        await page.get_by_role("button", name="Put back no_text in clean").click()
        await expect(page.get_by_role("dialog")).to_contain_text("TAGWIRE_MONITOR_TOKEN")
        await expect(page.get_by_role("dialog").get_by_role("textbox")).to_have_count(0)


async def test_the_numbers_of_the_line_are_the_history_of_the_api(
    page: Page, url: str, settings: KafkaSettings
) -> None:
    await produce(settings.bootstrap_servers, settings.topic(RAW), [(b"%d" % n, b"text", ()) for n in range(7)])
    await expect(page.locator("#lag-chart .note")).to_contain_text("now 7")
    await page.get_by_text("The same as a table").click()
    await page.locator("#lag-chart .figure").hover()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}api/v1/groups/{settings.group('tagwire-clean-route')}/history") as answer,
    ):
        points = (await answer.json())["points"]
    await asyncio.sleep(0)
    shown = await page.locator("table.numbers tbody td.number").all_inner_texts()

    assert shown[0] == "7"
    assert shown[-1] == str(points[0]["lag"])
