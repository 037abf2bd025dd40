"""The page by keyboard, by ear, on a phone, and in the dark."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW
from services.kafka.settings import KafkaSettings
from tests.brokers import produce
from tests.monitor.documents import classified, dead_letter
from tests.monitor.page.conftest import opened

LEAST_CONTRAST = 4.5
"""Of text and what is behind it: WCAG 2.2, 1.4.3."""

NAMELESS = """() => [...document
    .querySelectorAll("a[href], button, input, select, summary, section, dialog, svg[role]")]
    .filter((node) => node.checkVisibility())
    .filter((node) => {
        const by = node.getAttribute("aria-labelledby");
        const name = by ? document.getElementById(by)?.textContent : node.getAttribute("aria-label");
        const labels = [...(node.labels ?? [])].map((label) => label.textContent).join("");
        return !(name || labels || node.textContent).trim();
    })
    .map((node) => node.outerHTML.slice(0, 120))"""

CONTRASTS = """() => {
    const parts = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
    const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
            if (a === 1) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const found = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const node = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest(":disabled")) continue;
        const style = getComputedStyle(node);
        const colour = node.closest("svg") ? style.fill : style.color;
        const [a, b] = [light(parts(colour)), light(behind(node))].sort((x, y) => y - x);
        found.push({ text: walk.currentNode.data.slice(0, 40), contrast: (a + 0.05) / (b + 0.05) });
    }
    return found;
}"""


@pytest.fixture
async def filled(settings: KafkaSettings, url: str) -> str:
    """The page's address, with something in every part of it."""
    servers, raw = settings.bootstrap_servers, settings.topic(RAW)
    await produce(servers, raw, [(b"id-%d" % n, b"text", ()) for n in range(3)])
    await produce(servers, settings.topic(CLASSIFIED), [classified("doc-1", origin=f"{raw}/0/1")])
    await produce(servers, settings.topic(DEAD_LETTER), [dead_letter("bad-1", raw)])
    return url


async def whole(page: Page) -> None:
    await expect(page.locator(".entry .title")).to_be_visible()
    await expect(page.locator("#letters .entry")).to_have_count(1)
    for summary in await page.locator("main summary:visible").all():
        await summary.click()


async def test_everything_can_be_reached_and_left_by_keyboard(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await expect(page.locator(".entry .title")).to_be_visible()
        await expect(page.locator("#letters .entry")).to_have_count(1)
        wanted = await page.evaluate(
            """() => [...document.querySelectorAll("a[href], button, input, select, summary")]
                .filter((node) => node.checkVisibility() && (node.type !== "radio" || node.checked)).length"""
        )
        reached = []
        for _ in range(wanted):
            await page.keyboard.press("Tab")
            reached.append(await page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
            assert await page.evaluate("document.activeElement.matches(':focus-visible')")
        assert len(set(reached)) == wanted
        assert "skip" in reached[0]

        await page.locator(".entry .title").focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Militia agrees")
        await expect(dialog).to_be_visible()
        assert await page.evaluate("document.activeElement.closest('dialog') !== null")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        assert "Militia agrees" in await page.evaluate("document.activeElement.textContent")


async def test_the_first_link_skips_to_the_journey(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "main"


async def test_what_has_the_focus_keeps_it_when_the_page_is_told_something_new(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        button = page.locator("#group-table").get_by_role("button").first
        await button.focus()
        before = await page.locator("#lag-chart .note").inner_text()
        await expect(page.locator("#lag-chart .note")).not_to_have_text(before)
        await expect(button).to_be_focused()


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
async def test_texts_stand_out_and_controls_have_names(browser: Browser, filled: str, is_dark: bool) -> None:
    async with opened(browser, filled, is_dark=is_dark) as page:
        await whole(page)
        assert await page.evaluate(NAMELESS) == []
        assert await faint(page) == []
        await page.locator(".entry .title").click()
        await expect(page.locator(".reading mark").first).to_be_visible()
        assert await page.evaluate(NAMELESS) == []
        assert await faint(page) == []
        await page.get_by_role("link", name="where it is, and was").click()
        await expect(page.get_by_role("dialog").locator("tbody tr")).to_have_count(1)
        assert await page.evaluate(NAMELESS) == []
        assert await faint(page) == []
        assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light dark"


async def faint(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await page.evaluate(CONTRASTS)
    assert len(found) > 20
    return [each for each in found if each["contrast"] < LEAST_CONTRAST]


async def test_headings_landmarks_and_language_are_there(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        levels = await page.evaluate(
            "[...document.querySelectorAll('h1, h2, h3')].filter(n => n.checkVisibility()).map(n => +n.tagName[1])"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        for role in ("banner", "navigation", "main", "contentinfo"):
            await expect(page.get_by_role(role)).to_have_count(1)
        assert await page.evaluate("document.documentElement.lang") == "en"


async def test_on_a_phone_nothing_sticks_out_and_tables_are_tables_still(browser: Browser, filled: str) -> None:
    async with opened(browser, filled, width=360, height=740) as page:
        await whole(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        table = page.get_by_role("table", name="Consumer groups, the worst first")
        await expect(table.get_by_role("row").filter(has_text="tagwire-clean-route")).to_have_count(1)
        small = await page.evaluate(
            "[...document.querySelectorAll('button, select')].filter(n => n.checkVisibility())"
            ".map(n => n.getBoundingClientRect()).filter(({height, width}) => height < 20 || width < 20).length"
        )
        assert small == 0


async def test_who_wants_no_motion_sees_none(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await page.emulate_media(reduced_motion="reduce")
        assert await page.evaluate("document.getAnimations().length") == 0
