"""Trends and stories on the page: there where insights run, live, for every reader, and never markup."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from schemas.insights import TrendEvent
from services.kafka.settings import KafkaSettings
from tests.insights.records import assigned, bursting, example, history, make_topics, say, trend
from tests.monitor.page.conftest import monitored, opened
from tests.monitor.page.test_for_everyone import NAMELESS, faint
from tests.monitor.page.test_hostile import EVIL, is_clean

WHY = "22 stories in 1 h, 3.6 expected; by chance 1 in 2 billion"
PHONE = 360


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.insights.view.AGAIN_S", 0.2)


@pytest.fixture
async def filled(settings: KafkaSettings) -> AsyncIterator[str]:
    """The address of a page where one tag bursts, another one did, and two documents are a story."""
    await make_topics(settings)
    over = trend("economy", event=TrendEvent.ENDED)
    burst = bursting("libya", examples=(example("a", "Fighting spreads"), example("z", "Ceasefire")))
    assert burst.burst is not None
    await say(settings, over, burst.burst, burst, history("economy", score=0.2))
    await say(settings, assigned("a", "a"), assigned("b/../b", "a", minutes=5, duplicate_of="a", source="gazette"))
    async with monitored(settings) as url:
        yield url


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


async def is_shown(page: Page) -> None:
    await expect(page.locator("#trends .entry")).to_have_count(1)
    await expect(page.locator("#stories .entry")).to_have_count(1)


async def test_where_insights_have_said_nothing_they_are_not_shown_until_they_do(
    page: Page, settings: KafkaSettings
) -> None:
    sections = page.locator("#trends, #stories")
    links = page.locator("nav").get_by_role("link", name="Trends")
    await expect(sections.first).to_be_hidden()
    await expect(links).to_have_count(0)

    await make_topics(settings)
    await expect(sections.first).to_be_hidden()
    await say(settings, history("libya"))

    await expect(sections.first).to_be_visible()
    await expect(links).to_be_visible()
    await expect(page.locator("#trends")).to_contain_text("No tag bursts as of 31 Jan 2026")
    await expect(page.locator("#trends")).to_contain_text("1 tag is counted.")
    await expect(page.locator("#stories")).to_contain_text("No two documents are one story yet.")


async def test_what_bursts_is_shown_with_its_line_in_words_and_its_documents(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await is_shown(page)
        entry = page.locator("#trends .entry")
        await expect(entry).to_contain_text(WHY)
        await expect(entry.get_by_role("link", name="Ceasefire")).to_be_visible()
        line = entry.get_by_role("img")
        await expect(line).to_have_attribute("aria-label", f"libya over 2 h 40 min: {WHY}; at most 7 stories in 5 min")
        await page.get_by_text("Over (1)").click()
        await expect(page.locator("#trends details")).to_contain_text("over: at most 22 stories in 1 h")


async def test_what_is_said_anew_comes_by_itself(browser: Browser, filled: str, settings: KafkaSettings) -> None:
    async with opened(browser, filled) as page:
        await is_shown(page)
        name = page.locator("#trends .title")
        await name.focus()

        await say(settings, bursting("terrorism", score=20), assigned("c", "a", minutes=9, documents=3))
        await expect(page.locator("#trends .title")).to_have_text(["terrorism", "libya"])
        await expect(page.locator("#trends .title").last).to_be_focused()
        await expect(page.locator("#stories .entry")).to_contain_text("3 documents of 2 sources")

        await say(settings, history("libya"), history("terrorism"))
        await expect(page.locator("#trends")).to_contain_text("No tag bursts as of 31 Jan 2026")


async def test_a_tag_opens_its_history_its_numbers_and_its_bursts(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await page.get_by_role("button", name="libya", exact=True).click()
        await expect(dialog(page)).to_contain_text(f"It bursts: {WHY}")
        await expect(dialog(page).get_by_role("img")).to_be_visible()
        await expect(dialog(page).get_by_role("table", name="Bursts of libya")).to_contain_text("goes on")
        await dialog(page).get_by_text("The same as a table").click()
        stories = dialog(page).get_by_role("table", name="Stories of libya").locator("td[data-label='Stories']")
        told = [int(text) for text in await stories.all_inner_texts()]
        assert sum(told) == 31
        await dialog(page).get_by_role("link", name="where it is, and was").first.click()
        await expect(dialog(page).locator("h2")).to_have_text("Where is a?")


async def test_any_tag_and_any_document_can_be_asked_for(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await is_shown(page)
        for tag, told in (
            (" Economy ", "It does not burst: 22 stories"),
            ("france", "nothing was counted for the tag france"),
            ("<b>x", "tag: String should match pattern"),
        ):
            await page.get_by_label("Tag", exact=True).fill(tag)
            await page.get_by_label("Tag", exact=True).press("Enter")
            await expect(dialog(page)).to_contain_text(told)
            await page.keyboard.press("Escape")
        for asked, told in (("b/../b", "2 documents of 2 sources are one story"), ("c", "'c' is of no story")):
            await page.get_by_label("Story of").fill(asked)
            await page.get_by_label("Story of").press("Enter")
            await expect(dialog(page)).to_contain_text(told)
            await page.keyboard.press("Escape")


async def test_a_story_opens_with_its_documents_in_order_by_keyboard_alone(browser: Browser, filled: str) -> None:
    async with opened(browser, filled) as page:
        await is_shown(page)
        await page.locator("#stories .title").focus()
        await page.keyboard.press("Enter")
        rows = dialog(page).get_by_role("row")
        await expect(rows).to_have_count(3)
        await expect(rows.nth(1)).to_contain_text("first of its kind")
        await expect(rows.nth(2)).to_contain_text("93\u00a0% like no.\u00a01")
        await expect(rows.nth(2)).to_contain_text("b/../b")
        await page.keyboard.press("Escape")
        await expect(dialog(page)).to_be_hidden()
        await expect(page.locator("#stories .title")).to_be_focused()


@pytest.mark.parametrize("width", [1280, PHONE])
async def test_hostile_titles_stay_text(browser: Browser, settings: KafkaSettings, width: int) -> None:
    await make_topics(settings)
    burst = bursting("libya", examples=(example(EVIL[:500], EVIL, source=EVIL),))
    assert burst.burst is not None
    evil = assigned(EVIL[:500], EVIL[:500], title=EVIL, source=EVIL, duplicate_of=EVIL[:499], documents=3)
    await say(settings, burst.burst, burst, evil)
    async with monitored(settings) as url, opened(browser, url, width=width) as page:
        await is_shown(page)
        await expect(page.locator("#trends .examples")).to_contain_text("<script>alert(1)</script>")
        await is_clean(page)
        for opener in ("#trends .title", "#stories .title"):
            await page.locator(opener).click()
            await expect(dialog(page)).to_contain_text("<script>alert(1)</script><img src=x onerror=alert(2)>")
            await expect(dialog(page)).to_contain_text("⟨U+202E⟩gnp.exe")
            await is_clean(page)
            await page.keyboard.press("Escape")


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
async def test_texts_stand_out_and_controls_have_names(browser: Browser, filled: str, is_dark: bool) -> None:
    async with opened(browser, filled, is_dark=is_dark) as page:
        await is_shown(page)
        for opener in (None, "#trends .title", "#stories .title"):
            if opener:
                await page.locator(opener).click()
                await expect(dialog(page).get_by_role("table").first).to_be_visible()
            assert await page.evaluate(NAMELESS) == []
            assert await faint(page) == []
            await page.keyboard.press("Escape")


async def test_on_a_phone_nothing_sticks_out(browser: Browser, filled: str) -> None:
    async with opened(browser, filled, width=PHONE, height=740) as page:
        await is_shown(page)
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE
        for opener in ("#trends .title", "#stories .title"):
            await page.locator(opener).click()
            await expect(dialog(page).get_by_role("table").first).to_be_visible()
            assert await page.evaluate(
                "[...document.querySelectorAll('dialog, .modal-body')].every(n => n.scrollWidth <= n.clientWidth)"
            )
            await page.keyboard.press("Escape")
