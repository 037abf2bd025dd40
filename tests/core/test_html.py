"""A page gives its article and what it says about itself; what is left out is told."""

import contextlib
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dead_letters import Reason
from schemas.documents import Dateline, RemovedReason
from services.core.article import MAX_REMOVED, MAX_REMOVED_CHARS
from services.core.html import page
from services.core.rejections import Rejected

PARAGRAPHS = (
    (
        "The port reopened on Monday after three days of talks between the harbour board and the crews, who had "
        "demanded higher pay for work at night."
    ),
    (
        "Ships had waited outside the breakwater since Friday, and two of them turned back for lack of fuel, said a "
        "spokesman for the board, which met again in the evening."
    ),
    (
        "The harbour master said that loading would go on through the night, and that the first ship was to leave "
        "before dawn with grain for three countries."
    ),
)
ARTICLE = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)
JSON_LD = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
    {"@type": "WebSite", "name": "Harbour News"},
    {"@type": ["NewsArticle"], "headline": "Port reopens after talks", "datePublished": "2016-02-04T10:30:00+01:00",
     "author": [{"@type": "Person", "name": "Jane Doe"}, "John Roe"], "publisher": {"name": "Harbour News"},
     "inLanguage": "en-GB"}]}</script>"""


def whole(body: str, head: str = "", attributes: str = "") -> str:
    return f"<!DOCTYPE html><html{attributes}><head>{head}</head><body>{body}</body></html>"


def test_the_article_is_kept_and_what_surrounds_it_is_told() -> None:
    article = page(
        whole(
            "<nav><a href='/'>World news</a> <a href='/s'>Sport today</a></nav>"
            "<article><h1>Port reopens after talks</h1>"
            "<figure><img src='a.jpg'><figcaption>Ships off the coast on Sunday</figcaption></figure>"
            f"{ARTICLE}<p>Read more: Why the port closed</p></article>"
            "<footer>© 2016 Harbour News. All rights reserved.</footer>"
            "<script>var hidden = 'not text';</script>",
            head="<title>Port reopens after talks | Harbour News</title>",
        )
    )
    assert article.title == "Port reopens after talks"
    assert article.paragraphs == PARAGRAPHS
    told = {drop.text: drop.reason for drop in article.removed}
    assert told["World news Sport today"] is RemovedReason.BOILERPLATE
    assert told["Ships off the coast on Sunday"] is RemovedReason.CAPTION
    assert told["Read more: Why the port closed"] is RemovedReason.PROMOTION
    assert told["© 2016 Harbour News. All rights reserved."] is RemovedReason.CREDIT
    assert not any("hidden" in text or "reopens" in text for text in told)


def test_json_ld_tells_all_about_the_page() -> None:
    article = page(whole(f"<article>{ARTICLE}</article>", head=JSON_LD))
    assert article.title == "Port reopens after talks"
    assert article.byline == "Jane Doe, John Roe"
    assert article.published_at == datetime(2016, 2, 4, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert article.site_name == "Harbour News"
    assert article.language == "en-GB"


def test_meta_tells_where_json_ld_does_not() -> None:
    head = (
        "<script type='application/ld+json'>{broken</script>"
        "<meta property='og:title' content='Port reopens - Harbour News'>"
        "<meta property='og:site_name' content='Harbour News'>"
        "<meta name='author' content='By Jane Doe'><meta property='article:published_time' content='2016-02-04'>"
    )
    article = page(whole(ARTICLE, head=head, attributes=" lang='de_AT'"))
    assert (article.title, article.site_name, article.byline) == ("Port reopens", "Harbour News", "Jane Doe")
    assert article.published_at == datetime(2016, 2, 4, tzinfo=UTC)
    assert article.language == "de-AT"


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        pytest.param("<title>Port reopens</title>", "", "Port reopens", id="title"),
        pytest.param("<title>Site</title>", "<h1>Port reopens</h1>", "Port reopens", id="h1 before title"),
        pytest.param("<title>Ports - a guide</title>", "", "Ports - a guide", id="a dash is no site's name"),
        pytest.param("<title> | | </title>", "", None, id="no word"),
        pytest.param("", "", None, id="none"),
    ],
)
def test_the_title(head: str, body: str, title: str | None) -> None:
    assert page(whole(body + ARTICLE, head=head)).title == title


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2016-02-04T10:30:00Z", datetime(2016, 2, 4, 10, 30, tzinfo=UTC)),
        ("Thu, 04 Feb 2016 10:30:00 +0000", datetime(2016, 2, 4, 10, 30, tzinfo=UTC)),
        ("2096-02-04", datetime(2096, 2, 4, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01", None),
        ("99999999999999999999", None),
    ],
)
def test_the_date(date: str, expected: datetime | None) -> None:
    head = f"<meta name='date' content='{date}'>"
    assert page(whole(ARTICLE, head=head)).published_at == expected


def test_the_text_holds_neither_title_nor_highlights_nor_dateline() -> None:
    body = (
        "<article><h1>Port reopens</h1><ul class='story-highlights'><li>Talks took three long days</li>"
        f"<li>Two ships turned back</li></ul><p>OSLO (Reuters) - {PARAGRAPHS[0]}</p><p>{PARAGRAPHS[1]}</p></article>"
    )
    article = page(whole(body))
    assert article.highlights == ("Talks took three long days", "Two ships turned back")
    assert article.dateline == Dateline(place="OSLO", agency="Reuters")
    assert article.paragraphs == PARAGRAPHS[:2]


def test_a_list_of_links_is_no_highlights() -> None:
    body = "<ul class='highlights'><li><a href='/a'>Ten ships</a></li><li><a href='/b'>Two ports</a></li></ul>"
    assert page(whole(body + ARTICLE)).highlights == ()


def test_a_list_under_a_heading_that_announces_it_is_highlights() -> None:
    points = "<ul><li>Talks took three long days</li><li>Two ships turned back</li></ul>"
    headings = f"<h2>Key points</h2>{points}<div><h3>Summary</h3></div>"
    assert len(page(whole(headings + ARTICLE)).highlights) == 2
    assert page(whole(f"<div><h3>Summary</h3></div>{ARTICLE}")).highlights == ()


def test_every_post_of_a_live_blog_belongs_to_the_text() -> None:
    posts = "".join(f"<article><h2>Post {n}</h2><p>{text}</p></article>" for n, text in enumerate(PARAGRAPHS))
    article = page(whole(f"<main><h1>Port live</h1><div>{posts}</div></main>"))
    assert set(PARAGRAPHS) <= set(article.paragraphs)


def test_a_page_laid_out_by_tables_gives_its_main_cell() -> None:
    article = page(
        "<table><tr><td><a href=1>Sport</a><br><a href=2>Pirates seize tanker</a>"
        "<td><table><tr><td><b>Port reopens</b><p><table align=right><tr><td><img src=a.gif></table>"
        f"OSLO -- {PARAGRAPHS[0]}<p>{PARAGRAPHS[1]}<p>{PARAGRAPHS[2]}</table>"
        "<td>You are visitor number 48213<br>Soccer: Oslo beat Bergen 3-1</table>"
    )
    assert article.paragraphs == PARAGRAPHS
    assert article.dateline == Dateline(place="OSLO")
    assert {"Pirates seize tanker", "You are visitor number 48213"} <= {drop.text for drop in article.removed}


def test_a_table_in_the_text_has_no_bars_about_its_rows() -> None:
    table = "<table><tr><td>Grain</td><td>12 tons</td></tr><tr><td>Salt</td><td>9 tons</td></tr></table>"
    assert "Grain | 12 tons" in page(whole(f"<article>{ARTICLE}{table}</article>")).paragraphs


def test_a_paragraph_that_stands_twice_is_kept_once() -> None:
    article = page(whole(f"<div>{ARTICLE}</div><div class=print>{ARTICLE}</div>"))
    assert article.paragraphs == PARAGRAPHS
    assert not any(drop.text in PARAGRAPHS for drop in article.removed)


def test_where_the_model_finds_no_article_paragraphs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.core.html.main_text", lambda seen: [False] * len(seen.blocks))
    assert page(whole(f"<nav>Home</nav>{ARTICLE}")).paragraphs == PARAGRAPHS
    assert page(whole("<nav>Home</nav><p>Port reopens.</p>")).paragraphs == ("Port reopens.",)


def test_a_link_that_is_never_closed_costs_no_paragraph() -> None:
    assert page(f"<p><a href='/'><a href='/a'>Home{'<a>' * 300}{ARTICLE}").paragraphs == PARAGRAPHS


def test_what_is_left_out_is_bounded() -> None:
    clutter = "".join(f"<li><a href='/{n}'>Another story number {n} {'x' * n}</a></li>" for n in range(300))
    article = page(whole(f"<nav><ul>{clutter}{clutter}</ul></nav><article>{ARTICLE}</article>"))
    assert len(article.removed) == MAX_REMOVED
    assert max(len(drop.text) for drop in article.removed) == MAX_REMOVED_CHARS


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(ARTICLE, id="no html, no body"),
        pytest.param("<article>" + ARTICLE, id="never closed"),
        pytest.param("<p>" * 300 + ARTICLE, id="empty paragraphs"),
        pytest.param("<div>" * 400 + ARTICLE, id="nested 400 deep"),
        pytest.param(whole(ARTICLE + "<div>" * 100_000), id="nested 100,000 deep"),
        pytest.param(whole(f"<div {' '.join(f'a{n}=1' for n in range(50_000))}>{ARTICLE}</div>"), id="attributes"),
        pytest.param(whole(f"<div class='{'a b ' * 500_000}'>{ARTICLE}</div>"), id="a huge attribute"),
        pytest.param(whole(ARTICLE, head="<script>var a = '</p><p>';</script>" * 20_000), id="scripts"),
        pytest.param(whole(ARTICLE, head=f"<script type='application/ld+json'>{'[' * 100_000}</script>"), id="json"),
        pytest.param("<?xml version='1.0' encoding='latin-1'?>" + whole(ARTICLE), id="an xml declaration"),
        pytest.param("<!DOCTYPE html [<!ENTITY a 'b'><!ENTITY c '&a;&a;'>]><p>&c;</p>" + ARTICLE, id="entities"),
        pytest.param(whole(ARTICLE + "&#0;&#xd800;&#x10ffff;&#99999999;"), id="impossible characters"),
        pytest.param(whole(ARTICLE + "<ul><li>a b</li></ul>" * 1_500), id="lists"),
    ],
)
def test_hostile_markup_costs_no_paragraph_and_little_time(html: str) -> None:
    started = time.perf_counter()
    article = page(html)
    assert time.perf_counter() - started < 10
    assert set(PARAGRAPHS) <= set(article.paragraphs)
    assert "\n".join(article.paragraphs).encode()


def test_a_page_too_large_for_the_extractor_keeps_its_paragraphs() -> None:
    paragraphs = tuple(f"Paragraph number {n} says something that nobody has said before." for n in range(16_000))
    markup = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    assert page(whole(f"<nav><p>{'Home and away. ' * 5}</p></nav>{markup}")).paragraphs == paragraphs


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(whole(""), id="empty"),
        pytest.param("<!-- only a comment -->", id="comment"),
        pytest.param(whole("<script>alert('text')</script>"), id="script only"),
        pytest.param("<html><frameset><frame src='a'></frameset></html>", id="frames"),
        pytest.param(whole("<nav>Home</nav>"), id="navigation only"),
        pytest.param(
            whole("".join(f"<div class=menu><a href=/{n}>Section {n}</a> <a href=/x>All</a></div>" for n in range(9))),
            id="nothing but links",
        ),
    ],
)
def test_a_page_without_an_article_is_rejected(html: str) -> None:
    with pytest.raises(Rejected) as rejection:
        page(html)
    assert rejection.value.reason is Reason.NO_TEXT


pieces = st.sampled_from(
    [*"<>/&;= \n", "<p>", "</p>", "<div", "<!--", "<![CDATA[", "<table><tr>", "<ul><li>", "a b. ", "é", "&#8;"]
)


@given(st.lists(pieces, max_size=40).map("".join))
@settings(max_examples=100, deadline=None)
def test_any_markup_is_an_article_or_rejected(html: str) -> None:
    with contextlib.suppress(Rejected):
        assert all(paragraph.strip() and "\n" not in paragraph for paragraph in page(html).paragraphs)
