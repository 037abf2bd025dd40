"""What would mislead the extractor is changed, and nothing else."""

import pytest
from lxml import etree  # type: ignore[import-untyped]

from services.core.page_tree import page_tree, settle_structure

PROSE = (
    "The port reopened on Monday after three days of talks between the harbour board and the crews of all the ships."
)
POST = f"<article><h2>Port reopens</h2><p>{PROSE}</p></article>"
TEASER = f"<article><p><a href='/a'>{PROSE}</a></p></article>"


def settled(body: str) -> str:
    tree = page_tree(f"<html><body>{body}</body></html>")
    settle_structure(tree)
    return str(etree.tostring(tree.find("body"), encoding="unicode"))


@pytest.mark.parametrize(
    ("body", "articles"),
    [
        pytest.param(POST * 3, 0, id="posts of a live blog become plain blocks"),
        pytest.param(POST, 1, id="the one article stays"),
        pytest.param(POST + TEASER * 3, 4, id="an article and teasers stay"),
        pytest.param(f"{POST}<div>{POST}</div>", 2, id="articles in different places stay"),
        pytest.param(f"<article>{POST}{POST}</article>", 1, id="posts in an article"),
    ],
)
def test_articles_side_by_side(body: str, articles: int) -> None:
    assert settled(body).count("<article>") == articles


CELL = f"<td>{PROSE}<p>{PROSE}</p></td>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            f"<table><tr><td>Sport <td>{PROSE}<tr><td>Soccer: 3-1</table>",
            f"<body><div><div><div>{PROSE}</div></div><tr/></div></body>",
            id="cells beside the article go, the tables about it become blocks",
        ),
        pytest.param(
            f"<table><tr><td>{PROSE}<table><tr><td>Exports</td></tr></table></td></tr></table>",
            f"<body><div><div><div>{PROSE}<table><tr><td>Exports</td></tr></table></div></div></div></body>",
            id="a table in the article stays",
        ),
        pytest.param(
            f"<table><tr><td>{PROSE}</td><td><p>{PROSE}</p></td></tr></table>",
            f"<body><div><div><div>{PROSE}</div><td><p>{PROSE}</p></td></div></div></body>",
            id="a cell with prose stays",
        ),
        pytest.param(
            f"<p>{PROSE}</p><p>{PROSE}</p><p>{PROSE}</p><table><tr><td>{PROSE}</td><td>1</td></tr></table>",
            None,
            id="a table of data stays",
        ),
        pytest.param("<table><tr><td>a</td><td>1</td></tr></table>", None, id="a table without prose stays"),
        pytest.param(
            f"<table><tr><td>a</td></tr></table>{PROSE} <b>Then</b> it rained.<p>b</p>",
            f"<body><table><tr><td>a</td></tr></table><p>{PROSE} <b>Then</b> it rained.</p><p>b</p></body>",
            id="text loose behind a table becomes a paragraph",
        ),
    ],
)
def test_tables(body: str, expected: str | None) -> None:
    assert settled(body) == (expected or f"<body>{body}</body>")
