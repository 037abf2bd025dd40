"""Document text is hostile: it stays text, whatever it says."""

import orjson
import pytest
from playwright.async_api import Browser, Page, expect

from schemas import headers
from schemas.topics import CLASSIFIED, DEAD_LETTER, RAW, WORKERS
from services.kafka.settings import KafkaSettings
from tests.brokers import Message, produce
from tests.heartbeats import heartbeat, message
from tests.monitor.documents import classified, dead_letter
from tests.monitor.page.conftest import opened

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)>{{7*7}}\"'`</p></mark><b>bold"
BIDI = "a\u202egnp.exe \u2066b\u0000\u001b[31mc\u0085\u2028"
LONG = "x" * 5000 + "🙂" * 200
EVIL = f"{ATTACK} {BIDI} {LONG}"


def hostile_document() -> Message:
    key, value, told = classified("evil", origin="x/0/0")
    evidence = [{"field": "text", "start": 2, "end": 8, "term": "script", "signal": ATTACK, "points": 1.0}]
    evidence += [{"field": "text", "start": 0, "end": 10**6, "term": LONG, "signal": BIDI, "points": -2.5}]
    tag = {"id": "libya", "label": ATTACK, "kind": "place", "relevance": 1.0, "confidence": 1.0, "evidence": evidence}
    wrong = {
        "id": ATTACK,
        "source": EVIL[:512],
        "title": EVIL,
        "text": f"🙂{EVIL}",
        "highlights": [EVIL],
        "url": "javascript:alert(4)",
        "tags": [tag],
        "removed": [{"reason": "slug", "text": EVIL}],
    }
    return key, orjson.dumps({**orjson.loads(value or b""), **wrong}), told


def hostile_letter(topic: str) -> Message:
    _, _, told = dead_letter("evil", topic)
    replaced = {
        headers.DLT_MESSAGE: EVIL,
        headers.DLQ_REASON: ATTACK,
        headers.DLQ_STAGE: ATTACK,
        headers.DLT_STACKTRACE: EVIL,
    }
    kept = [(name, value) for name, value in told if name not in replaced]
    return ATTACK.encode(), EVIL.encode(), [*kept, *((name, text.encode()) for name, text in replaced.items())]


@pytest.fixture
async def evil(settings: KafkaSettings) -> None:
    servers = settings.bootstrap_servers
    await produce(servers, settings.topic(CLASSIFIED), [hostile_document()])
    await produce(servers, settings.topic(DEAD_LETTER), [hostile_letter(settings.topic(RAW))])
    wrong = heartbeat(
        group=settings.group("tagwire-clean-route"),
        host=EVIL[:512],
        tagwire_version=ATTACK,
        taxonomy_version=ATTACK,
        pipeline_version=ATTACK,
        http_address="javascript:alert(5)",
        interval_s=0.1,
    )
    await produce(servers, settings.topic(WORKERS), [message(wrong)])


@pytest.mark.parametrize("width", [1280, 360])
async def test_hostile_text_stays_text(browser: Browser, evil: None, url: str, width: int) -> None:
    # `opened` holds that no dialog opened and nothing was fetched.
    async with opened(browser, url, width=width) as page:
        await expect(page.locator("#worker-table tbody")).to_contain_text("<script>alert(1)</script>")
        assert await page.locator("#worker-table a").count() == 0  # of the address
        await page.locator(".entry .title").click()
        reading = await page.locator(".reading .text").inner_text()
        await expect(page.locator(".reading mark").first).to_be_visible()
        assert reading.startswith(f"🙂{ATTACK}")
        assert "⟨U+202E⟩gnp.exe ⟨U+2066⟩b␀␛[31mc\ufffd" in reading
        assert await page.get_by_role("dialog").locator("a:not([href^='#where='])").count() == 0  # of the address
        await is_clean(page)
        await page.keyboard.press("Escape")

        await page.locator("#letters summary").click()
        await page.locator("#letters .letters button").first.click()
        await page.get_by_text("Headers (").click()
        await expect(page.get_by_label("Start of the body")).to_contain_text(ATTACK)
        await expect(page.get_by_label("Traceback")).to_contain_text(ATTACK)
        await is_clean(page)


@pytest.mark.parametrize("width", [1280, 360])
async def test_an_id_is_text_in_the_form_the_address_and_the_answer(
    browser: Browser, evil: None, url: str, width: int
) -> None:
    async with opened(browser, url, width=width) as page:
        search, dialog = page.get_by_role("searchbox", name="Where is"), page.get_by_role("dialog")
        told = dialog.get_by_role("status")
        await search.fill(ATTACK)
        await search.press("Enter")
        await expect(told).to_contain_text("1 record of")
        await expect(dialog.locator("h2")).to_have_text(f"Where is {ATTACK}?")
        await expect(dialog.locator("tbody .message")).to_contain_text(f"{ATTACK} in {ATTACK}: {ATTACK}")
        await is_clean(page)
        await page.evaluate("location.hash = '#where=<img src=x onerror=alert(1)>a\u202egnp.exe%00%'")
        await expect(told).to_contain_text("no record of")
        await expect(dialog.locator("h2")).to_contain_text("<img src=x onerror=alert(1)>")
        await is_clean(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_hidden()
        await search.fill(LONG)
        await search.press("Enter")
        await expect(dialog.get_by_role("alert")).to_have_text("An id has at most 512 characters; this one has 5200.")
        await is_clean(page)


async def is_clean(page: Page) -> None:
    """No element that a document might have brought, and nothing that sticks out of the page."""
    for name in (
        "script:not([src='page/app.js'])",
        "img:not([src='page/icon.svg'])",
        "b",
        "iframe",
        "[onload]",
        "[onerror]",
    ):
        assert await page.locator(name).count() == 0, name
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate(
        "[...document.querySelectorAll('dialog, .modal-body')].every(n => n.scrollWidth <= n.clientWidth)"
    )


async def test_what_gets_in_all_the_same_is_not_run(browser: Browser, url: str) -> None:
    async with opened(browser, url, may_ask=True) as page:
        await has_a_strict_policy(page, url)


async def has_a_strict_policy(page: Page, url: str) -> None:
    answer = await page.request.get(url)
    script = answer.headers["content-security-policy"].split("; ")
    refused = await page.evaluate(
        """async () => {
            const found = [];
            addEventListener("securitypolicyviolation", (event) => found.push(event.effectiveDirective));
            const script = document.createElement("script");
            try { script.textContent = "ran = true"; document.body.append(script); } catch { found.push("type"); }
            try { document.body.insertAdjacentHTML("beforeend", "<img src=x>"); } catch { found.push("type"); }
            const image = new Image();
            image.src = "https://elsewhere.invalid/x.png";
            await fetch("https://elsewhere.invalid/").catch(() => found.push("fetch"));
            await new Promise((done) => setTimeout(done, 300));
            return { found, ran: window.ran ?? null };
        }"""
    )

    assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'"} <= set(script)
    assert not any("unsafe" in each for each in script)
    assert refused["ran"] is None
    assert {"type", "fetch", "img-src", "connect-src"} <= set(refused["found"])


@pytest.mark.parametrize(
    ("text", "spans", "expected"),
    [
        pytest.param("abc", [], ["abc:"], id="nothing to mark"),
        pytest.param("a🙂b🙂c", [(2, 3), (4, 5)], ["a🙂:", "b:0", "🙂:", "c:1"], id="code points, of which 🙂 is one"),
        pytest.param("🙂🙂🙂", [(1, 2)], ["🙂:", "🙂:0", "🙂:"], id="an astral character itself"),
        pytest.param("abcdef", [(0, 4), (2, 6)], ["ab:0", "cd:01", "ef:1"], id="they overlap"),
        pytest.param("abcdef", [(1, 5), (2, 3)], ["a:", "b:0", "c:01", "de:0", "f:"], id="one in the other"),
        pytest.param("abc", [(1, 99), (7, 9), (2, 2)], ["a:", "bc:0"], id="beyond the end, and empty"),
        pytest.param("", [(0, 1)], [], id="no text"),
        pytest.param("e\u0301x", [(1, 2)], ["e:", "\u0301:0", "x:"], id="a combining mark counts"),
    ],
)
async def test_texts_are_cut_at_code_points(
    page: Page, text: str, spans: list[tuple[int, int]], expected: list[str]
) -> None:
    found = await page.evaluate(
        """async ([text, spans]) => {
            const { pieces } = await import("./page/evidence.js");
            const given = spans.map(([start, end], at) => ({ start, end, at }));
            return pieces(text, given).map((piece) => `${piece.text}:${piece.spans.map(({ at }) => at).join("")}`);
        }""",
        [text, spans],
    )

    assert found == expected
