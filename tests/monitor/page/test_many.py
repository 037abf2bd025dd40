"""The page of a cluster with many groups and very many dead letters: what matters is on top, the rest is found."""

import time

import pytest
from aiokafka.protocol.commit import OffsetCommitRequest
from playwright.async_api import Browser, expect

from schemas import headers
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW
from services.kafka.admin import admin
from services.kafka.cluster import Cluster
from services.kafka.settings import KafkaSettings
from tests.brokers import Message, produce
from tests.monitor.documents import classified, dead_letter
from tests.monitor.page.conftest import opened

GROUPS = 200
LETTERS = 1200
CAUSES = 60


@pytest.fixture
async def crowded(settings: KafkaSettings, url: str) -> str:
    topic = settings.topic(CLASSIFIED)
    await produce(settings.bootstrap_servers, topic, [classified(f"doc-{n}", origin="x/0/1") for n in range(40)])
    async with Cluster(settings) as cluster:
        ends = {each.number: seen.end or 0 for each, seen in (await cluster.look()).ends.items() if each.topic == topic}
    async with admin(settings) as connection:
        coordinator = await connection.find_coordinator(settings.group("reader-000"))
        for number in range(GROUPS):
            offsets = [(partition, 1 if number == 123 else end, "") for partition, end in ends.items()]
            request = OffsetCommitRequest(settings.group(f"reader-{number:03}"), -1, "", -1, [(topic, offsets)])
            answer = await connection._send_request(request, coordinator)
            assert not any(code for _, each in answer.topics for _, code in each), answer
    letters = [letter_number(number, settings.topic(RAW)) for number in range(LETTERS)]
    await produce(settings.bootstrap_servers, settings.topic(DEAD_LETTER), letters)
    return url


def letter_number(number: int, topic: str) -> Message:
    key, value, told = dead_letter(f"bad-{number}", topic, offset=number)
    cause = chr(ord("a") + number % CAUSES % 26) * (1 + number % CAUSES // 26)
    replaced = {headers.DLT_MESSAGE: f"no article in {cause}", headers.DLQ_REASON: f"reason_{cause}"}
    kept = [(name, each) for name, each in told if name not in replaced]
    return key, value, [*kept, *((name, text.encode()) for name, text in replaced.items())]


READY_S = 15.0
"""On a busy machine; on an idle one it is two."""
LONGEST_TASK_MS = 500
"""For which the page may not answer while it draws a look; on an idle machine it is a tenth of it."""

WATCH_TASKS = """() => {
    window.tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ entryTypes: ["longtask"] });
}"""


async def test_many_groups_are_shown_the_worst_first_and_the_others_found(browser: Browser, crowded: str) -> None:
    began = time.monotonic()
    async with opened(browser, crowded) as page:
        took_s = time.monotonic() - began
        rows = page.locator("#group-table tbody tr")
        await expect(rows.first).to_contain_text("reader-123")
        await expect(rows.first).to_contain_text("STOP")
        await expect(rows).to_have_count(20)
        cards = page.locator(".card.group")
        await expect(cards.filter(has_text="reader-")).to_have_count(6)
        await expect(cards.filter(has_text="reader-123")).to_have_count(1)
        await page.get_by_role("link", name="and 194 more groups").click()
        assert page.url.endswith("#groups")

        await page.get_by_role("button", name="Show 100 more of 201").press("Enter")
        await expect(rows).to_have_count(120)
        await expect(rows.nth(20).get_by_role("button")).to_be_focused()
        await page.get_by_label("Filter groups").fill("READER-17")
        await expect(rows).to_have_count(10)
        await expect(rows.first.locator(".spark .line")).to_have_count(1)
        await page.get_by_label("Filter groups").fill("stop")
        await expect(rows).to_have_count(1)
        await page.get_by_label("Filter groups").fill("nobody")
        await expect(page.get_by_text("No group is like that.")).to_be_visible()

    assert took_s < READY_S


async def test_very_many_dead_letters_are_shown_by_cause_and_found_by_id(browser: Browser, crowded: str) -> None:
    async with opened(browser, crowded) as page:
        causes, wanted = page.locator("#letters .entry"), page.get_by_label("Filter dead letters")
        await expect(page.locator("#letter-count")).to_contain_text("at least 1,0")
        await expect(causes).to_have_count(8)
        await page.get_by_role("button", name=f"Show {CAUSES - 8} more of {CAUSES}").click()
        await expect(causes).to_have_count(CAUSES)
        await wanted.fill(f"bad-{LETTERS - 1}")
        await expect(causes).to_have_count(1)
        await causes.get_by_text("Browse them").click()
        await expect(causes.locator(".letters li")).to_have_count(1)
        await causes.get_by_role("button", name=f"bad-{LETTERS - 1}").click()
        await expect(page.get_by_role("dialog")).to_contain_text("no article in")
        await page.keyboard.press("Escape")
        await wanted.fill("reason_aaa")
        await expect(causes).to_have_count(1)
        await wanted.fill("no such")
        await expect(page.get_by_text("None of the latest dead letters is like that.")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
async def test_the_page_stays_short_and_quick(browser: Browser, crowded: str, width: int) -> None:
    async with opened(browser, crowded, width=width) as page:
        await expect(page.locator("#letters .entry")).to_have_count(8)
        before = await page.locator("#lag-chart .note").inner_text()
        await page.evaluate(WATCH_TASKS)
        await expect(page.locator("#lag-chart .note")).not_to_have_text(before)
        await page.get_by_role("button", name="Show 100 more of 201").click()
        after = await page.locator("#lag-chart .note").inner_text()
        await expect(page.locator("#lag-chart .note")).not_to_have_text(after)
        assert max(await page.evaluate("tasks"), default=0) < LONGEST_TASK_MS
        assert await page.evaluate("document.documentElement.scrollWidth") == width
        await page.reload()
        await expect(page.locator("#letters .entry")).to_have_count(8)
        assert await page.evaluate("document.documentElement.scrollHeight") < 20 * 900
