"""
Take the pictures of the page that the documentation shows: `python -m tests.monitor.page.pictures docs/monitor`.

On an embedded broker of its own, with real workers, the seeds as documents, and subscribers that do well and badly;
then on another one with insights and invented news. A second argument takes only these: `insights`, or `others`.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer
from playwright.async_api import Browser, Page, async_playwright, expect

from schemas.topics import CLASSIFIED, RAW
from services.feed.generated import generated
from services.insights.settings import InsightSettings
from services.kafka import codec
from services.kafka.embedded.broker import EmbeddedSettings
from services.kafka.publisher import Publisher
from services.kafka.settings import KafkaSettings
from services.local.up import Installation, installation
from services.monitor.settings import MonitorSettings
from tests.brokers import Message, produce

SEEDS: Final = Path(__file__).parents[3] / "seeds"
DESKTOP: Final = (1280, 1000)
PHONE: Final = (390, 844)
SEEN_MS: Final = 120_000
EMPTY_PAGE: Final = b"<html><body><nav>Home</nav></body></html>"
LINE_S: Final = 8
"""A line needs some looks."""
NEWS_DAYS: Final = 7
LOAD: Final = 160
"""Rounds of the seeds: enough to be seen waiting, also on a fast machine."""


async def main(folder: Path, *, has_insights: bool) -> None:
    """Take the pictures of insights, or those of all else."""
    os.environ |= {"TAGWIRE_MONITOR_INTERVAL_S": "1", "TAGWIRE_MONITOR_TOKEN": "only-for-these-pictures"}
    os.environ |= {"TAGWIRE_WORKER_CHILDREN": "1"}
    expect.set_options(timeout=SEEN_MS)
    async with AsyncExitStack() as parts:
        data = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        settings = EmbeddedSettings(data_folder=data, port=0)
        up = await parts.enter_async_context(
            installation(
                settings,
                workers=2,
                report=print,
                monitor=MonitorSettings(http_port=0),
                insights=InsightSettings(http_port=0) if has_insights else None,
            )
        )
        playwright = await parts.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        await (insight_scenes if has_insights else scenes)(up, browser, folder)
        await browser.close()


async def scenes(up: Installation, browser: Browser, folder: Path) -> None:
    servers, raw = up.kafka.bootstrap_servers, up.kafka.topic(RAW)
    async with subscriber(up.kafka, "archive"):
        await produce(servers, raw, articles(["first"]))
        async with page(up, browser, DESKTOP) as wide, page(up, browser, PHONE, is_dark=True) as narrow:
            for each in (wide, narrow):
                await expect(each.locator("#documents .entry").first).to_be_visible()
                await expect(each.locator("#verdict")).to_have_text("All is well")
                for card in await each.locator(".card.group").all():
                    await expect(card.locator(".figures dd").first).to_have_text("0")
            await asyncio.sleep(LINE_S)
            await wide.screenshot(path=folder / "at-rest.png", full_page=True)
            await narrow.screenshot(path=folder / "at-rest-phone-dark.png")
            await narrow.locator("#documents").scroll_into_view_if_needed()
            title = "Ecuador, Peru settle"
            for each in (wide, narrow):
                await each.get_by_label("Filter documents").fill(title.lower())
                await each.get_by_role("button", name=title).click()
                await expect(each.locator(".reading mark").first).to_be_visible()
            await wide.screenshot(path=folder / "document.png")
            await narrow.screenshot(path=folder / "document-phone-dark.png")
        async with page(up, browser, DESKTOP) as wide:
            await twice(up)
            await wide.get_by_label("Where is").fill("wire-17")
            await wide.get_by_label("Where is").press("Enter")
            await expect(wide.get_by_role("dialog").get_by_text("classified", exact=True)).to_be_visible()
            await wide.screenshot(path=folder / "where.png")
        async with page(up, browser, DESKTOP, is_dark=True) as wide, page(up, browser, PHONE) as narrow:
            await wide.locator("#letters summary").first.click()
            for each in (wide, narrow):
                await each.locator("#letters").evaluate("node => node.scrollIntoView()")
            await wide.screenshot(path=folder / "dead-letters-dark.png")
            await narrow.screenshot(path=folder / "dead-letters-phone.png")
        async with page(up, browser, DESKTOP, is_dark=True) as wide, page(up, browser, PHONE) as narrow:
            await produce(servers, raw, articles(str(number) for number in range(LOAD)))
            await asyncio.sleep(LINE_S)
            await wide.screenshot(path=folder / "under-load-dark.png")
            await narrow.screenshot(path=folder / "under-load-phone.png")
            await expect(wide.locator(".card.group .figures dd").first).to_have_text("0")
    async with subscriber(up.kafka, "archive"), subscriber(up.kafka, "alerts", is_paused=True):
        await produce(servers, raw, articles(["last"]))
        async with page(up, browser, DESKTOP) as wide, page(up, browser, PHONE, is_dark=True) as narrow:
            for each in (wide, narrow):
                await expect(each.locator("#group-table .badge").filter(has_text="STALL")).to_be_visible()
                await each.get_by_label("Group", exact=True).select_option("alerts")
            await asyncio.sleep(LINE_S)
            await wide.screenshot(path=folder / "stalled.png")
            await narrow.locator("#groups").evaluate("node => node.scrollIntoView()")
            await narrow.screenshot(path=folder / "stalled-phone-dark.png")


async def insight_scenes(up: Installation, browser: Browser, folder: Path) -> None:
    async with Publisher(up.kafka, client_id="pictures") as publisher:
        for document in generated(seed=1, end=datetime.now(UTC), days=NEWS_DAYS).documents:
            await publisher.send(codec.encode_raw(document))
    async with page(up, browser, DESKTOP) as wide, page(up, browser, PHONE, is_dark=True) as narrow:
        for each in (wide, narrow):
            await expect(each.locator("#trends .title").filter(has_text="libya")).to_be_visible()
            await expect(each.locator("#verdict")).to_have_text("All is well")
            await expect(each.locator("#stories .entry")).to_have_count(5)
        await asyncio.sleep(LINE_S)
        await wide.locator("#insights").screenshot(path=folder / "insights.png")
        await narrow.locator("#trends").evaluate("node => node.scrollIntoView()")
        await narrow.screenshot(path=folder / "insights-phone-dark.png")
        await wide.get_by_role("button", name="libya", exact=True).click()
        await expect(wide.get_by_role("dialog").get_by_role("table").first).to_be_visible()
        await wide.screenshot(path=folder / "tag.png")
        await wide.keyboard.press("Escape")
        await wide.locator("#stories .title").first.click()
        await expect(wide.get_by_role("dialog").get_by_role("table")).to_be_visible()
        await wide.screenshot(path=folder / "story.png")


@asynccontextmanager
async def page(
    up: Installation, browser: Browser, size: tuple[int, int], *, is_dark: bool = False
) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if is_dark else "light",
        is_mobile=size == PHONE,  # no keyboard, so no hint of one
        has_touch=size == PHONE,
        locale="en-GB",
        timezone_id="UTC",
        reduced_motion="reduce",
    )
    opened = await context.new_page()
    assert up.monitor_url is not None
    await opened.goto(up.monitor_url)
    await expect(opened.locator("body")).to_have_attribute("data-ready", "true")
    yield opened
    await context.close()


@asynccontextmanager
async def subscriber(kafka: KafkaSettings, group: str, *, is_paused: bool = False) -> AsyncIterator[None]:
    """A group that reads what is classified; a paused one has its partitions, and reads nothing of them."""
    consumer = AIOKafkaConsumer(
        kafka.topic(CLASSIFIED),
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=group,
        client_id=group,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        auto_commit_interval_ms=500,
    )
    await consumer.start()

    async def read() -> None:
        while True:
            if is_paused:
                consumer.pause(*consumer.assignment())
            await consumer.getmany(timeout_ms=200)

    if is_paused:
        await consumer.seek_to_end()
        await consumer.commit()
    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await consumer.stop()


async def twice(up: Installation) -> None:
    """Publish a document that dies, and the same again with its text, and wait until it has come out."""
    servers, raw = up.kafka.bootstrap_servers, up.kafka.topic(RAW)
    text = (SEEDS / "001_antwerp_raids.html").read_bytes()
    for body in (EMPTY_PAGE, text):
        await produce(servers, raw, [(b"wire-17", body, [("ce_source", b"https://wire.example/seeds")])])
        await asyncio.sleep(LINE_S)


def articles(rounds: Iterable[str]) -> list[Message]:
    """Return all seeds as bare bodies, once for each round, each with a key of its own."""
    seeds = [each for each in sorted(SEEDS.iterdir()) if each.suffix in {".html", ".txt"}]
    return [
        (f"{seed.stem}-{each}".encode(), seed.read_bytes(), [("ce_source", b"https://wire.example/seeds")])
        for each in rounds
        for seed in seeds
    ]


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    for is_wanted in [False, True] if len(sys.argv) == 2 else [sys.argv[2] == "insights"]:
        asyncio.run(main(Path(sys.argv[1]), has_insights=is_wanted))
