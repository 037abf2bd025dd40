"""A page is cut where a reader sees it cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core.page_blocks import Block, PageBlocks, page_blocks
from services.core.page_tree import page_tree


def blocks(body: str) -> PageBlocks:
    return page_blocks(page_tree(f"<html><body>{body}</body></html>"))


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        pytest.param("<p>One <b>two</b>\n three</p>four", ["One two three", "four"], id="inline tags do not cut"),
        pytest.param("<div>One<p>two</p>three</div>", ["One", "two", "three"], id="text about a paragraph"),
        pytest.param("One<br>two<hr>three", ["One", "two", "three"], id="lines"),
        pytest.param("<p>a<script>b</script><noscript>c</noscript>d</p>", ["ad"], id="what nobody sees"),
        pytest.param("<p>a&shy;b&#8;</p><p> &#8203; </p>", ["ab"], id="invisible characters"),
        pytest.param("<p>e&#769;</p>", ["é"], id="composed"),
        pytest.param("<div hidden><p>Later</p></div>", ["Later"], id="hidden until a script shows it"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_the_blocks_of_a_page(body: str, texts: list[str]) -> None:
    assert [block.text for block in blocks(body).blocks] == texts


LONG = "The port reopened on Monday after three days of talks between the harbour board and the crews of all ships."


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        pytest.param("<th>Cargo<th>Tons", ["Cargo | Tons"], id="a row is one block"),
        pytest.param("<td>Cargo<td><p>Tons</p>", ["Cargo", "Tons"], id="a paragraph in a cell"),
        pytest.param(f"<td>Cargo<td>{LONG}", ["Cargo", LONG], id="a cell that is a paragraph"),
        pytest.param("<td>Cargo<br>Grain<td>Tons", ["Cargo", "Grain", "Tons"], id="lines in a cell"),
        pytest.param("<td>Cargo</td></tr><tr><td>Grain", ["Cargo", "Grain"], id="rows"),
    ],
)
def test_the_cells_of_a_table(cells: str, texts: list[str]) -> None:
    assert [block.text for block in blocks(f"<table><tr>{cells}</table>").blocks] == texts


def test_a_block_knows_how_much_of_it_is_linked() -> None:
    found = blocks("<p><a href=a>Ten</a> ships</p><p><a href=b>Two</a></p><td>x</td>").blocks
    assert [block.linked for block in found] == [pytest.approx(1 / 3), 1.0, 0.0]


def test_elements_know_what_they_stand_in() -> None:
    page = blocks("<aside class=a id=b itemprop=c><nav><p>One</p></nav></aside><header><nav>Two</nav></header>")
    assert page.names[page.tags.index("aside")] == "a b c"
    one, two = page.blocks
    assert page.tags[page.parents[one.element]] == "nav"
    assert (page.around[one.element], page.around[two.element]) == ("aside", "nav")


markup = st.sampled_from(
    [*"<>&; \n", "<p>", "</p>", "<div", "<td>", "<tr>", "<table>", "</table>", "<a>", "<br>", "a b", "é"]
)


@given(st.lists(markup, max_size=40).map("".join))
@settings(max_examples=100, deadline=None)
def test_any_markup_is_cut_into_settled_blocks(html: str) -> None:
    page = page_blocks(page_tree(f"<p>{html}"))
    for block in page.blocks:
        assert isinstance(block, Block)
        assert block.text == " ".join(block.text.split()) != ""
        assert 0 <= block.linked <= 1
        assert page.parents[block.element] <= block.element < len(page.tags) == len(page.around) == len(page.names)
