"""A real browser before a real monitor: what people see, beside what Kafka says."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import ClientConnectionError, ClientSession
from playwright.async_api import Browser, BrowserContext, Dialog, Page, Request, async_playwright, expect

from schemas.topics import EMBEDDED_PARTITIONS, all_topics
from services.core.taxonomy import shipped_routes
from services.kafka.admin import create_topics
from services.kafka.embedded.ports import free_port
from services.kafka.settings import KafkaSettings
from services.monitor.service import monitor
from services.monitor.settings import MonitorSettings
from services.worker.settings import WorkerSettings
from tests.brokers import until

TOKEN = "a-token-of-enough-characters"
INTERVAL_S = 0.5
SEEN_MS = 20_000

expect.set_options(timeout=SEEN_MS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium: Playwright's own is a download that not every machine may make."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        lacking = "no Chromium is installed: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(lacking)
        pytest.skip(lacking)
    async with async_playwright() as playwright:
        # Tests run as root in containers, where Chromium's sandbox cannot be made.
        launched = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest.fixture
async def settings(kafka: str, prefix: str) -> KafkaSettings:
    settings = KafkaSettings(bootstrap_servers=kafka, topic_prefix=prefix, session_timeout_ms=6000)
    await create_topics(settings, all_topics(shipped_routes()), partitions=EMBEDDED_PARTITIONS)
    return settings


@asynccontextmanager
async def monitored(
    settings: KafkaSettings, *, port: int | None = None, token: str | None = TOKEN
) -> AsyncIterator[str]:
    """Run a monitor that looks at this test's groups, and give the address of its page."""
    own = MonitorSettings(
        interval_s=INTERVAL_S,
        groups=f"{re.escape(settings.topic_prefix)}.*",
        http_port=port or free_port(0),
        token=token,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(monitor(settings, own, WorkerSettings(children=1), stop=stop))
    url = f"http://localhost:{own.http_port}/"

    async def answers() -> bool:
        try:
            async with session.get(f"{url}healthz") as answer:
                return answer.status == 200
        except ClientConnectionError:
            return False

    try:
        async with ClientSession() as session:
            await until(answers, within_s=10)
        yield url
    finally:
        stop.set()
        await running


@pytest.fixture
async def url(settings: KafkaSettings) -> AsyncIterator[str]:
    async with monitored(settings) as address:
        yield address


@pytest.fixture
async def page(browser: Browser, url: str) -> AsyncIterator[Page]:
    async with opened(browser, url) as page:
        yield page


@asynccontextmanager
async def opened(
    browser: Browser, url: str, *, width: int = 1280, height: int = 900, is_dark: bool = False, may_ask: bool = False
) -> AsyncIterator[Page]:
    """Open the page; at the end it must have raised no error, opened no dialog and asked none but the monitor."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light", locale="en-GB"
    )
    complaints: list[str] = []

    async def on_dialog(dialog: Dialog) -> None:
        complaints.append(f"dialog: {dialog.message}")
        await dialog.dismiss()

    def on_request(request: Request) -> None:
        if not may_ask and not request.url.startswith(url):
            complaints.append(f"asked {request.url}")

    page = await context.new_page()
    page.on("dialog", on_dialog)
    page.on("request", on_request)
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    try:
        await page.goto(url)
        await expect(page.locator("body")).to_have_attribute("data-ready", "true")
        yield page
    finally:
        await context.close()
    assert complaints == []
