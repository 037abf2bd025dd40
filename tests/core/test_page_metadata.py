"""What a page says about itself is read from wherever it says it, and from nowhere twice."""

import json

import pytest
from lxml.html import document_fromstring  # type: ignore[import-untyped]

from services.core.page_metadata import PageMetadata, page_metadata


def told(head: str, body: str = "<p>Text.</p>") -> PageMetadata:
    return page_metadata(document_fromstring(f"<html><head>{head}</head><body>{body}</body></html>"))


def json_ld(*nodes: object) -> str:
    return "".join(f"<script type='application/ld+json'>{json.dumps(node)}</script>" for node in nodes)


@pytest.mark.parametrize(
    ("nodes", "title"),
    [
        pytest.param([{"@type": "NewsArticle", "headline": "Port reopens"}], "Port reopens", id="article"),
        pytest.param([[{"@type": "BlogPosting", "headline": "Port reopens"}]], "Port reopens", id="in a list"),
        pytest.param(
            [{"@type": "WebPage", "headline": "Harbour"}, {"@type": "Article", "headline": "Port reopens"}],
            "Port reopens",
            id="an article before a page",
        ),
        pytest.param([{"@type": "WebPage", "headline": "Port reopens"}], "Port reopens", id="a page else"),
        pytest.param([{"@type": "Person", "headline": "Jane Doe"}], None, id="neither"),
        pytest.param([{"@type": 3, "headline": "Jane Doe"}, 7, None, "text"], None, id="nonsense"),
        pytest.param([{"@type": "Article", "headline": {"text": "Port"}}], None, id="a headline that is no string"),
        pytest.param([[*[{}] * 9_000, {"@type": "Article", "headline": "Far"}]], None, id="bounded"),
    ],
)
def test_the_article_is_found_in_json_ld(nodes: list[object], title: str | None) -> None:
    assert told(json_ld(*nodes)).title == title


@pytest.mark.parametrize(
    ("title", "site_name", "expected"),
    [
        ("Port reopens | Harbour News", "Harbour News", "Port reopens"),
        ("Port reopens - HarbourNews.com", "Harbour News", "Port reopens"),
        ("Port reopens: a long night - Harbour News", "Harbour News", "Port reopens: a long night"),
        ("Port reopens - and closes again", "Harbour News", "Port reopens - and closes again"),
        ("Harbour News", "Harbour News", "Harbour News"),
    ],
)
def test_the_sites_name_is_taken_off_the_title(title: str, site_name: str, expected: str) -> None:
    assert told(f"<title>{title}</title><meta property='og:site_name' content='{site_name}'>").title == expected


def test_a_heading_that_says_the_declared_title_in_full_is_preferred() -> None:
    head = "<meta property='og:title' content='Port reopens after three'>"
    assert told(head, "<h1>Port reopens after three long days</h1>").title == "Port reopens after three long days"
    assert told(head, "<h1>Harbour News</h1>").title == "Port reopens after three"


@pytest.mark.parametrize(
    ("head", "body", "byline"),
    [
        ("<meta name='author' content='https://example.org/jane'>", "<a rel='author'>Jane Doe</a>", "Jane Doe"),
        ("", "<span class='article-byline'>By Jane Doe</span>", "Jane Doe"),
        (f"<meta name='author' content='{'x' * 300}'>", "", None),
        (json_ld({"@type": "Article", "author": {"name": "Jane Doe"}}), "", "Jane Doe"),
        ("", "", None),
    ],
)
def test_the_byline(head: str, body: str, byline: str | None) -> None:
    assert told(head, body).byline == byline


def test_a_site_name_that_is_a_paragraph_is_none() -> None:
    assert told(f"<meta property='og:site_name' content='{'Harbour News ' * 20}'>").site_name is None


def test_a_time_in_the_text_is_the_date_where_nothing_else_tells() -> None:
    published_at = told("", "<time datetime='2016-02-04T10:30:00Z'>today</time>").published_at
    assert published_at is not None
    assert published_at.isoformat() == "2016-02-04T10:30:00+00:00"


@pytest.mark.parametrize(("language", "expected"), [("en_GB", "en-GB"), ("not a language", None), ("", None)])
def test_the_language(language: str, expected: str | None) -> None:
    assert told(f"<meta property='og:locale' content='{language}'>").language == expected
