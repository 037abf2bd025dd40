"""The page while Kafka is away: what was seen last, said to be old; and all of it again when Kafka is back."""

import os
import signal
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from schemas.topics import CLASSIFIED, DEAD_LETTER, EMBEDDED_PARTITIONS, RAW, all_topics
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings
from services.kafka.settings import KafkaSettings
from tests.brokers import produce
from tests.monitor.documents import classified, dead_letter
from tests.monitor.page.conftest import TOKEN, monitored, opened

BACK_MS = 90_000


@pytest.mark.usefixtures("kafka")  # or skipped, where the embedded broker cannot be had
async def test_it_says_so_and_goes_on_when_kafka_is_back(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.monitor.watch.LATE_S", 1.0)
    broker = EmbeddedKafka(EmbeddedSettings(data_folder=tmp_path / "broker", port=0))
    await broker.start()
    settings = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
    servers, raw = settings.bootstrap_servers, settings.topic(RAW)
    try:
        await create_topics(settings, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
        await produce(servers, settings.topic(CLASSIFIED), [classified("doc-1", origin="x/0/1")])
        await produce(servers, settings.topic(DEAD_LETTER), [dead_letter("bad-1", raw)])
        async with monitored(settings) as url, opened(browser, url) as page:
            titles, dialog = page.locator("#documents .title"), page.get_by_role("dialog")
            await expect(titles).to_have_count(1)
            assert broker.java_pid is not None
            os.kill(broker.java_pid, signal.SIGKILL)
            await expect(page.locator("#banner")).to_contain_text("What you see may be old: the last look was")
            await expect(page.locator("#verdict")).to_contain_text("Something is wrong")

            await titles.click()  # the monitor has it
            await expect(dialog.locator(".reading")).to_be_visible()
            await page.keyboard.press("Escape")
            search = page.get_by_role("searchbox", name="Where is")
            await search.fill("doc-1")
            await search.press("Enter")
            await expect(dialog.get_by_role("alert")).to_contain_text("Kafka does not answer at", timeout=BACK_MS)
            await page.keyboard.press("Escape")
            await page.get_by_role("button", name="Put back no_text in clean").click()
            await dialog.get_by_label("The monitor's token").fill(TOKEN)
            await dialog.get_by_role("button", name="Try").click()
            await expect(dialog.get_by_role("alert")).to_contain_text("Kafka", timeout=BACK_MS)
            await page.keyboard.press("Escape")

            await broker.start()
            await expect(page.locator("#banner")).to_be_hidden(timeout=BACK_MS)
            await produce(servers, settings.topic(CLASSIFIED), [classified("doc-2", origin="x/0/2")])
            await expect(titles).to_have_count(2, timeout=BACK_MS)
            await search.fill("doc-2")
            await search.press("Enter")
            await expect(dialog.get_by_role("status")).to_contain_text("1 record of 'doc-2' is kept")
    finally:
        await broker.stop()
