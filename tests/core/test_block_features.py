"""Each block has its numbers; what is surely no article has none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.block_features import FEATURES, features
from services.core.page_blocks import page_blocks
from services.core.page_tree import page_tree

PROSE = "The port reopened on Monday after three days of talks between the harbour board and the crews of all ships."


def of(body: str) -> dict[str, dict[str, float] | None]:
    """Return the features of each block by its first word."""
    page = page_blocks(page_tree(f"<html><body>{body}</body></html>"))
    rows = [row if row is None else dict(zip(FEATURES, row, strict=True)) for row in features(page)]
    return {block.text.split()[0]: row for block, row in zip(page.blocks, rows, strict=True)}


def feature(body: str, word: str, name: str) -> float:
    row = of(body)[word]
    assert row is not None
    return row[name]


ARTICLE = f"<h1>Title</h1><div class=story-body><p>One {PROSE}</p><p>Two {PROSE}</p><p>Three {PROSE}</p></div>"


def test_a_page_without_text_has_none() -> None:
    assert features(page_blocks(page_tree("<p></p>"))) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("up_to_top", 0),
        ("down_from_top", 1),
        ("is_in_top", True),
        ("since_top", 1),
        ("until_top_end", 1),
        ("top_share", 1),
        ("prose_about", 1),
        ("prose_beside", 1),
        ("likes", 3),
        ("since_heading", 2),
        ("named_body", True),
        ("is_before_comments", True),
        ("article_share", -1),
    ],
)
def test_the_features_of_a_paragraph(name: str, value: float) -> None:
    assert feature(ARTICLE, "Two", name) == value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"{ARTICLE}<aside><p>Other {PROSE}</p></aside>", id="beside"),
        pytest.param(f"{ARTICLE}<footer><div>Other {PROSE}</div></footer>", id="footer"),
        pytest.param(f"{ARTICLE}<figure><figcaption>Other {PROSE}</figcaption></figure>", id="caption"),
        pytest.param(f"{ARTICLE}<div class=comments><p>Other {PROSE}</p></div>", id="comments"),
        pytest.param(f"{ARTICLE}<div><ul><li><a href=a>Other</a></ul></div>", id="a menu"),
    ],
)
def test_what_is_surely_no_article_has_no_features(body: str) -> None:
    rows = of(body)
    assert rows["Other"] is None
    assert rows["Two"] is not None


def test_a_link_among_paragraphs_has_features() -> None:
    assert of(ARTICLE.replace("</div>", "<p><a href=a>Link</a></p></div>"))["Link"] is not None


def test_a_name_about_title_and_text_says_nothing_against_them() -> None:
    about = f"<div class='has-comments comments'>{ARTICLE}</div>"
    assert of(about)["Two"] is not None
    assert of(about.replace("h1", "h2"))["Two"] is not None
    assert of(f"<body class=comments>{ARTICLE}")["Two"] is not None


def test_comments_longer_than_the_article_stay_comments() -> None:
    comments = "".join(f"<p>Other{n} {PROSE}</p>" for n in range(9))
    assert of(f"{ARTICLE}<div class=comments>{comments}</div>")["Other1"] is None


@pytest.mark.parametrize("start", ["<nav><a href=a>Home</a>", "<div class=newsletter>"])
def test_an_element_that_was_never_closed_costs_no_article(start: str) -> None:
    assert of(start + ARTICLE)["Two"] is not None


def test_a_box_with_much_of_the_prose_is_no_newsletter_whatever_its_name() -> None:
    half = f"<div class=newsletter><p>Other {PROSE}</p></div>"
    assert of(ARTICLE + half)["Other"] is not None


def test_the_largest_article_is_the_article() -> None:
    body = f"<article><p>Other {PROSE}</p></article><article>{ARTICLE}</article>"
    assert feature(body, "Two", "is_in_article")
    assert not feature(body, "Other", "is_in_article")


pieces = st.sampled_from(
    [
        f"<p>{PROSE}",
        "<h1>a",
        "<div class=comments>",
        "</div>",
        "<td>b",
        "<article>",
        "<a>c</a>",
        "<aside>",
        "d",
        "<h2>e",
    ]
)


@given(st.lists(pieces, max_size=30).map("".join))
@settings(max_examples=100, deadline=None)
def test_every_block_has_all_features_or_none(body: str) -> None:
    page = page_blocks(page_tree(f"<p>{body}"))
    rows = features(page)
    assert len(rows) == len(page.blocks)
    assert all(row is None or len(row) == len(FEATURES) for row in rows)
