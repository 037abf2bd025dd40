"""The model keeps the article of a page, whatever it is made of, and leaves what stands about it."""

import pytest

from services.core import main_text as module
from services.core.main_text import main_text
from services.core.page_blocks import page_blocks
from services.core.page_tree import page_tree

PROSE = "{} The port reopened on Monday after three days of talks between the harbour board and the crews of all ships."
ARTICLE = "".join(f"<p>{PROSE.format(word)}</p>" for word in ("One.", "Two.", "Three.", "Four."))
LINES = "<br><br>".join(PROSE.format(word) for word in ("One.", "Two.", "Three.", "Four."))
MENU = "<ul>" + "".join(f"<li><a href=/{n}>Section {n}</a></li>" for n in range(9)) + "</ul>"


def kept(body: str) -> list[str]:
    page = page_blocks(page_tree(f"<html><head><title>Port reopens</title></head><body>{body}</body></html>"))
    return [block.text.split()[0] for block, is_kept in zip(page.blocks, main_text(page), strict=True) if is_kept]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"{MENU}<article>{ARTICLE}</article>{MENU}", id="article"),
        pytest.param(f"{MENU}<div class=story-body>{ARTICLE}</div><div class=related>{MENU}</div>", id="division"),
        pytest.param(f"{MENU}<div>{LINES}</div>{MENU}", id="lines"),
        pytest.param(f"<table><tr><td>{MENU}</td><td>{ARTICLE}</td></tr></table>", id="a table as layout"),
        pytest.param(
            f"{MENU}<main>{ARTICLE}</main><div class=comments><p>{PROSE.format('Five.')}</p></div>", id="comments"
        ),
    ],
)
def test_the_article_is_kept_and_no_more(body: str) -> None:
    assert kept(body) == ["One.", "Two.", "Three.", "Four."]


def test_a_page_without_text_has_no_article() -> None:
    assert kept("") == []


def test_a_model_of_other_features_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEATURES", ("other",))
    module._model.cache_clear()
    with pytest.raises(ValueError, match="training"):
        module._model()


def test_a_tree_becomes_an_expression() -> None:
    expression = module._expression([16, 0.5, 1.5, [22, 3, -1, -2]])
    assert eval(expression, {"linked": 0.1, "words": 9}) == 1.5
    assert eval(expression, {"linked": 0.9, "words": 9}) == -2
