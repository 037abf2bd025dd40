"""The page's search: where a document is, by mouse, by keyboard, and by an address that somebody passed on."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, tag_topic
from services.kafka.settings import KafkaSettings
from tests.monitor.conftest import EndlessSearch
from tests.monitor.documents import whole_way
from tests.monitor.page.conftest import opened

FOUND = "5 records of 'doc-1' are kept, the oldest first"
COLUMNS = ("Topic", "Partition", "Offset", "Verdict")


def search_of(page: Page) -> Locator:
    return page.get_by_role("searchbox", name="Where is")


def told(page: Page) -> Locator:
    return page.get_by_role("dialog").get_by_role("status")


async def rows(page: Page) -> list[tuple[str, ...]]:
    found = await page.get_by_role("dialog").locator("tbody tr").all()
    return [tuple([await row.locator(f"td[data-label='{name}']").inner_text() for name in COLUMNS]) for row in found]


async def has_both(page: Page) -> None:
    """The page has the document and its dead letter, so that they can be opened."""
    await expect(page.locator("#documents .title")).to_be_visible()
    await expect(page.locator("#letters .entry")).to_have_count(1)


async def test_each_record_is_shown_in_order_and_what_the_page_has_can_be_opened(
    page: Page, url: str, settings: KafkaSettings
) -> None:
    partition, topic = await whole_way(settings, "doc-1"), settings.topic
    await has_both(page)
    await search_of(page).fill(" doc-1 ")
    await page.get_by_role("button", name="Search").click()
    dialog = page.get_by_role("dialog")
    await expect(told(page)).to_contain_text(FOUND)
    at = str(partition)

    assert page.url == f"{url}#where=doc-1"
    assert await rows(page) == [
        (topic(RAW), at, "0", "received"),
        (topic(DEAD_LETTER), at, "0", "dead letter"),
        (topic(RAW), at, "1", "received"),
        (topic(CLASSIFIED), at, "0", "classified"),
        (topic(tag_topic("libya")), at, "0", "routed"),
    ]
    await expect(dialog.locator("tbody .badge .shape")).to_have_count(5)
    await expect(dialog.locator("tbody")).to_contain_text("no_text in clean: page of 7 characters holds no article")
    await expect(dialog.get_by_role("button", name="Open ")).to_have_count(2)

    await dialog.get_by_role("button", name=f"Open {topic(DEAD_LETTER)}/{partition}/0").click()
    await expect(dialog.get_by_label("Start of the body")).to_have_text("<p></p>")
    assert page.url == url
    await dialog.get_by_role("link", name="where it is, and was").click()
    await expect(told(page)).to_contain_text(FOUND)
    await dialog.get_by_role("button", name=f"Open {topic(CLASSIFIED)}/{partition}/0").click()
    await expect(dialog.locator(".reading")).to_be_visible()


async def test_it_is_used_by_keyboard_alone(browser: Browser, url: str, settings: KafkaSettings) -> None:
    await whole_way(settings, "doc-1")
    async with opened(browser, url) as page:
        await has_both(page)
        await page.keyboard.press("/")
        await expect(search_of(page)).to_be_focused()
        await page.keyboard.type("doc-1")
        await page.keyboard.press("Enter")
        await expect(told(page)).to_contain_text(FOUND)
        for _ in range(2):  # the dialog's way out, and the first record that can be opened
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog", name="doc-1")).to_contain_text("Start of the body")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(search_of(page)).to_be_focused()
        assert page.url == url


async def test_a_slash_where_somebody_writes_is_a_slash(page: Page, settings: KafkaSettings) -> None:
    await whole_way(settings, "doc-1")
    await has_both(page)
    for field in (page.get_by_label("Filter documents"), search_of(page)):
        await field.focus()
        await page.keyboard.press("/")
        await expect(field).to_have_value("/")
        await expect(field).to_be_focused()


async def test_the_key_can_be_switched_off_for_good(page: Page) -> None:
    switch, hint = page.get_by_label("leads to the search"), page.locator("header kbd")
    await expect(switch).to_be_checked()
    await expect(hint).to_be_visible()
    await switch.press("/")
    await expect(search_of(page)).to_be_focused()
    await switch.uncheck()
    await page.keyboard.press("/")
    await expect(switch).to_be_focused()
    await expect(hint).to_be_hidden()
    await page.reload()
    await expect(switch).not_to_be_checked()
    await page.keyboard.press("/")
    await expect(search_of(page)).not_to_be_focused()
    await expect(search_of(page)).not_to_have_attribute("aria-keyshortcuts", "/")
    await switch.check()
    await page.keyboard.press("/")
    await expect(search_of(page)).to_be_focused()


async def test_an_address_that_was_passed_on_searches_by_itself(
    browser: Browser, url: str, settings: KafkaSettings
) -> None:
    await whole_way(settings, "a/b&c=d %é")
    async with opened(browser, url) as page:
        await search_of(page).fill("a/b&c=d %é")
        await page.get_by_label("Among records of").select_option("the last hour")
        await search_of(page).press("Enter")
        await expect(told(page)).to_contain_text("5 records of")
        passed_on = page.url
    async with opened(browser, url) as page:
        await page.goto(passed_on)
        await page.reload()
        await expect(told(page)).to_contain_text("5 records of")
        await expect(search_of(page)).to_have_value("a/b&c=d %é")
        await expect(page.get_by_label("Among records of")).to_have_value("1h")
        await page.go_back()
        await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_an_id_that_nobody_has_seen_is_a_sentence(page: Page, settings: KafkaSettings) -> None:
    await search_of(page).fill("no such")
    await search_of(page).press("Enter")

    await expect(told(page)).to_contain_text("no record of 'no such' is kept in ")
    await expect(told(page)).to_contain_text(settings.topic(DEAD_LETTER))
    await expect(page.get_by_role("dialog").get_by_role("table")).to_be_hidden()


async def test_the_same_may_be_asked_again(page: Page, settings: KafkaSettings) -> None:
    await search_of(page).fill("doc-1")
    await search_of(page).press("Enter")
    await expect(told(page)).to_contain_text("no record of 'doc-1'")
    await page.keyboard.press("Escape")
    await whole_way(settings, "doc-1")
    await search_of(page).press("Enter")

    await expect(told(page)).to_contain_text(FOUND)


async def test_who_closes_the_dialog_ends_the_search(page: Page, url: str, endless: EndlessSearch) -> None:
    await search_of(page).fill("doc-1")
    await search_of(page).press("Enter")
    async with asyncio.timeout(10):
        await endless.has_begun.wait()
    await expect(told(page)).to_contain_text("Searching what Kafka keeps …")
    await page.keyboard.press("Escape")
    async with asyncio.timeout(10):
        await endless.has_ended.wait()

    await expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.url == url


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        pytest.param(None, "the monitor does not answer", id="away"),
        pytest.param(409, "another search is under way", id="busy"),
        pytest.param(504, "the search took longer than 60 s", id="too long"),
    ],
)
async def test_what_goes_wrong_is_a_sentence(page: Page, status: int | None, sentence: str) -> None:
    async def answer(route: Route) -> None:
        if status is None:
            await route.abort()
        else:
            await route.fulfill(status=status, json={"error": sentence})

    await page.route("**/api/v1/where?*", answer)
    await search_of(page).fill("doc-1")
    await search_of(page).press("Enter")

    await expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text(sentence)
    await expect(told(page)).to_have_text("")


async def test_on_a_phone_nothing_of_it_sticks_out(browser: Browser, url: str, settings: KafkaSettings) -> None:
    await whole_way(settings, "doc-1")
    async with opened(browser, url, width=360, height=740) as page:
        await has_both(page)
        await search_of(page).fill("doc-1")
        await search_of(page).press("Enter")
        await expect(told(page)).to_contain_text(FOUND)
        await expect(page.get_by_role("dialog").get_by_role("row").filter(has_text="routed")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        assert await page.evaluate(
            "[...document.querySelectorAll('dialog, .modal-body')].every(n => n.scrollWidth <= n.clientWidth)"
        )
