"""A page becomes a tree whatever its markup, and a tag that is a bomb loses its attributes."""

import pytest

from services.core.page_tree import page_tree
from services.core.rejections import Rejected


def test_a_tag_with_a_mass_of_attributes_keeps_its_name_alone() -> None:
    bomb = " ".join(f"a{number}=1" for number in range(2_000))
    tree = page_tree(f"<p class=a>One</p><div {bomb}>Two</div>")
    assert tree.find(".//div").attrib == {}
    assert tree.find(".//p").get("class") == "a"


def test_a_long_tag_of_few_attributes_stays() -> None:
    style = "color: red;" * 1_000
    assert page_tree(f"<div style='{style}'>Two</div>").find(".//div").get("style") == style


@pytest.mark.parametrize("html", ["", " ", "<!-- a -->", "<?xml version='1.0'?>"])
def test_markup_without_an_element_is_rejected(html: str) -> None:
    with pytest.raises(Rejected):
        page_tree(html)


def test_comments_and_processing_instructions_are_left_off() -> None:
    assert [element.tag for element in page_tree("<p>a<!-- b --><?c d?></p>").iter()] == ["html", "body", "p"]
