"""Scraped text gives up its clutter and nothing else."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents import Dateline, RemovedReason
from services.core.scraped_text import scraped_text

SEED = Path(__file__).parents[2] / "seeds" / "000_2da34e0ed95bd839.txt"

FIRST = "The port reopened on Monday after three days of talks between the harbour board and the crews."
SECOND = "Ships had waited outside the breakwater since Friday, and two of them turned back for lack of fuel."
THIRD = '"We will load through the night," the harbour master said.'


def test_the_seed_gives_its_article_whole_and_drops_its_clutter_with_reasons() -> None:
    raw = SEED.read_text()
    article = scraped_text(raw)

    assert article.title == "Gen. Dunford wants 'decisive military action' against ISIS in Libya"
    assert article.highlights == (
        "Dunford hopes to offer options for U.S. military action in the next few weeks",
        "Action will be taken in conjunction with allies such as France, Italy and Britain",
    )
    assert article.dateline == Dateline(place="Washington", agency="CNN")
    assert article.paragraphs[0].startswith("President Barack Obama's top military adviser")
    told = [line.strip() for line in raw.partition("Washington (CNN)")[2].splitlines() if line.strip()]
    assert list(article.paragraphs) == told
    assert {block.reason for block in article.removed} == {
        RemovedReason.CAPTION,
        RemovedReason.SLUG,
        RemovedReason.RUNNING_TIME,
        RemovedReason.REPEATED,
        RemovedReason.LABEL,
    }


@pytest.mark.parametrize(
    ("lines", "title", "paragraphs"),
    [
        pytest.param(
            ["Port reopens", FIRST, SECOND], "Port reopens", (FIRST, SECOND), id="a short first line is the title"
        ),
        pytest.param([FIRST, SECOND], None, (FIRST, SECOND), id="a first line that is a paragraph is body"),
        pytest.param(["It is over.", FIRST], None, ("It is over.", FIRST), id="a short statement is body"),
        pytest.param([FIRST], None, (FIRST,), id="one paragraph survives"),
        pytest.param(["Port reopens"], None, ("Port reopens",), id="one short line survives"),
        pytest.param(
            ["Read more: the port"], None, ("Read more: the port",), id="nothing but clutter comes back whole"
        ),
        pytest.param(["Net 3 vs 2", "Revs 9 vs 8"], None, ("Net 3 vs 2", "Revs 9 vs 8"), id="a table has no title"),
        pytest.param(
            ["Results", "Avg shrs 19.5 mln vs 16.1", "Year", "Avg shrs 19.5 mln vs 16.1", "Year", FIRST],
            "Results",
            ("Avg shrs 19.5 mln vs 16.1", "Year", "Avg shrs 19.5 mln vs 16.1", "Year", FIRST),
            id="lines of a table may be said twice",
        ),
        pytest.param(
            ["Port reopens", FIRST, "Port reopens", SECOND, FIRST], "Port reopens", (FIRST, SECOND), id="said again"
        ),
        pytest.param(["Is the port open?", FIRST], "Is the port open?", (FIRST,), id="a short question is a title"),
        pytest.param(
            ["港が再開", "港湾当局と乗組員の三日間にわたる協議を経て、港は月曜日に再開した。"],
            "港が再開",
            ("港湾当局と乗組員の三日間にわたる協議を経て、港は月曜日に再開した。",),
            id="japanese",
        ),
        pytest.param(
            ["إعادة فتح الميناء", "أعيد فتح الميناء يوم الاثنين بعد ثلاثة أيام من المحادثات بين الإدارة والبحارة."],
            "إعادة فتح الميناء",
            ("أعيد فتح الميناء يوم الاثنين بعد ثلاثة أيام من المحادثات بين الإدارة والبحارة.",),
            id="arabic",
        ),
    ],
)
def test_title_and_paragraphs(lines: list[str], title: str | None, paragraphs: tuple[str, ...]) -> None:
    article = scraped_text("\n\n".join(lines))
    assert (article.title, article.paragraphs) == (title, paragraphs)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        pytest.param("Read more: Why the port closed", RemovedReason.PROMOTION, id="read more"),
        pytest.param("RELATED: Ten ships in a storm", RemovedReason.PROMOTION, id="related"),
        pytest.param("Sign up for our morning newsletter here", RemovedReason.PROMOTION, id="sign up"),
        pytest.param("Follow us on Twitter and Facebook", RemovedReason.PROMOTION, id="follow us"),
        pytest.param("Advertisement", RemovedReason.PROMOTION, id="advertisement"),
        pytest.param("(Reporting by Jane Doe; Editing by John Roe)", RemovedReason.CREDIT, id="reporting by"),
        pytest.param("Reporting by Jane Doe in Oslo; editing by John Roe", RemovedReason.CREDIT, id="editing by"),
        pytest.param("CNN's Jane Doe contributed to this report.", RemovedReason.CREDIT, id="contributed"),
        pytest.param("© 2016 Harbour News. All rights reserved.", RemovedReason.CREDIT, id="copyright sign"),
        pytest.param("Copyright 2016 Harbour News", RemovedReason.CREDIT, id="copyright"),
        pytest.param("Updated 3:04 PM ET, Thu February 4, 2016", RemovedReason.BOILERPLATE, id="updated"),
        pytest.param("FILE PHOTO: Ships wait off the coast", RemovedReason.CAPTION, id="file photo"),
        pytest.param("Ships wait off the coast. REUTERS/Jane Doe", RemovedReason.CAPTION, id="picture credit"),
        pytest.param("02:31", RemovedReason.RUNNING_TIME, id="running time"),
        pytest.param("harbour_talks_00003508", RemovedReason.SLUG, id="slug"),
    ],
)
def test_clutter_in_the_text_is_dropped_with_its_reason(block: str, reason: RemovedReason) -> None:
    article = scraped_text(f"Port reopens\n{FIRST}\n{block}\n{SECOND}")
    assert article.paragraphs == (FIRST, SECOND)
    assert [(drop.reason, drop.text) for drop in article.removed] == [(reason, block)]


@pytest.mark.parametrize(
    "block",
    [
        "Read more than ten books a year and the port still surprises you.",
        "Related costs rose by a tenth, the board said.",
        "Reporting by the harbour board showed that the crews were paid late.",
        "Copyright law does not protect a tide table, the court held.",
        "Published in 2012, the tide tables are still in use today.",
        "Sign up or leave, the foreman told them.",
        "- Pier 4 stays closed until Thursday",
        "Yes.",
    ],
)
def test_a_sentence_that_only_begins_like_clutter_is_kept(block: str) -> None:
    assert scraped_text(f"Port reopens\n{FIRST}\n{block}\n{SECOND}").paragraphs == (FIRST, block, SECOND)


HEADLINES = ["1 Ten ships in a storm", "2 Who owns the pier?", "Tide tables for May"]


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        pytest.param(["Most read", *HEADLINES], [], id="headlines that a label announces"),
        pytest.param(["Most read", *HEADLINES, THIRD], [THIRD], id="a label with headlines in the middle"),
        pytest.param(["Most read", *map(str, range(16))], ["15"], id="what is too long is no list of headlines"),
        pytest.param(
            ["Read more", "Tide tables for May", "Sign up to our tide newsletter"], [], id="a label and clutter"
        ),
        pytest.param(["Read more: Who owns the pier?", *HEADLINES], HEADLINES, id="a pointer with its own headline"),
        pytest.param(["Ships leave the port 02:05"], [], id="a video with its running time"),
        pytest.param(["Oslo 02:05", "Bergen 02:09"], ["Oslo 02:05", "Bergen 02:09"], id="a table of times"),
        pytest.param(
            ["Ships leave the port 02:05", THIRD], ["Ships leave the port 02:05", THIRD], id="a time in the text"
        ),
        pytest.param(["-30-"], [], id="an end mark"),
        pytest.param(["(Schluss) MEP/hk/lw"], [], id="an agency's sign-off"),
        pytest.param(["ENDS.", "- Additional reporting by NWA Athens"], [], id="a credit behind the end"),
        pytest.param(["and/or", THIRD], ["and/or", THIRD], id="a slash in the text"),
    ],
)
def test_the_end_of_a_text(end: list[str], kept: list[str]) -> None:
    article = scraped_text("\n".join(["Port reopens", FIRST, SECOND, *end]))
    assert article.paragraphs == (FIRST, SECOND, *kept)
    assert {drop.text for drop in article.removed} == {*end} - {*kept}


def test_lines_that_state_nothing_have_no_end_to_clear() -> None:
    assert scraped_text("Oslo 02:05\nCNN").paragraphs == ("Oslo 02:05", "CNN")


@pytest.mark.parametrize(
    ("head", "byline", "kept"),
    [
        pytest.param(
            ["Tue 9 April 2024 | 3 min read | Jane Doe"], "Jane Doe", [], id="facts about the text, with a name"
        ),
        pytest.param(["9 April 2024 · 3 min read"], None, [], id="facts without a name"),
        pytest.param(["By John Roe", "Jane Doe | 9 April 2024"], "John Roe", [], id="the byline comes first"),
        pytest.param(["Jane Doe", "Mon 12 Feb 2024"], "Jane Doe", [], id="a name over the date"),
        pytest.param(["Jane Doe"], None, ["Jane Doe"], id="a name without a date may be anything"),
        pytest.param(["Ships | Crews | Cargo"], None, ["Ships | Crews | Cargo"], id="parts without a date"),
        pytest.param(["Ships leave harbour_talks_0214_v2"], None, [], id="a clip's name with a version"),
        pytest.param(["The talks of two_sides"], None, ["The talks of two_sides"], id="an underscore in a word"),
    ],
)
def test_the_head_of_a_text(head: list[str], byline: str | None, kept: list[str]) -> None:
    article = scraped_text("\n".join(["Port reopens", *head, FIRST, SECOND]))
    assert (article.title, article.byline) == ("Port reopens", byline)
    assert article.paragraphs == (*kept, FIRST, SECOND)


@pytest.mark.parametrize(
    ("lines", "highlights"),
    [
        pytest.param(["* Talks took three days", "* Two ships turned back"], 2, id="stars in a row are points"),
        pytest.param(["* Corrects the day"], 0, id="one star may be a note"),
        pytest.param(["- Talks took three days", "- Two ships turned back"], 0, id="dashes may be speech"),
    ],
)
def test_points_without_a_label(lines: list[str], highlights: int) -> None:
    article = scraped_text("\n".join(["Port reopens", *lines, FIRST, SECOND]))
    assert len(article.highlights) == highlights
    assert article.paragraphs == (*([] if highlights else lines), FIRST, SECOND)


@pytest.mark.parametrize("label", ["Story highlights", "HIGHLIGHTS", "Key points:", "At a glance"])
@pytest.mark.parametrize("bullet", ["• ", "- ", "* ", "•", ""])
def test_points_under_a_label_are_highlights(label: str, bullet: str) -> None:
    points = ("Talks took three days", "Two ships turned back")
    article = scraped_text("\n".join(["Port reopens", label, *(bullet + point for point in points), FIRST, SECOND]))
    assert article.highlights == points
    assert (article.title, article.paragraphs) == ("Port reopens", (FIRST, SECOND))
    assert [drop.reason for drop in article.removed] == [RemovedReason.LABEL]


@pytest.mark.parametrize(
    ("line", "byline"),
    [
        ("By Jane Doe", "Jane Doe"),
        ("By Jane Doe, CNN", "Jane Doe"),
        ("BY JANE DOE AND JOHN ROE", "JANE DOE AND JOHN ROE"),
        ("By Jane Doe and John van Dyke | Harbour News", "Jane Doe and John van Dyke"),
    ],
)
def test_a_byline_before_the_text_is_the_byline(line: str, byline: str) -> None:
    article = scraped_text(f"Port reopens\n{line}\nFebruary 4, 2016\n{FIRST}")
    assert (article.byline, article.paragraphs) == (byline, (FIRST,))


def test_by_and_a_common_word_is_no_byline() -> None:
    article = scraped_text(f"Port reopens\nBy the sea\n{FIRST}")
    assert (article.byline, article.paragraphs) == (None, ("By the sea", FIRST))


@pytest.mark.parametrize(
    ("given_title", "paragraphs"),
    [
        pytest.param("Port reopens after talks", (FIRST,), id="the same"),
        pytest.param("Port reopens after talks - Harbour News", (FIRST,), id="with the site's name"),
        pytest.param("Crews and board agree", ("Port reopens after talks", FIRST), id="another: the line is kept"),
    ],
)
def test_the_producers_title_is_taken_off_the_text(given_title: str, paragraphs: tuple[str, ...]) -> None:
    article = scraped_text(f"Port reopens after talks\n\n{FIRST}", title=given_title)
    assert (article.title, article.paragraphs) == (None, paragraphs)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "The port reopened on Monday after three\ndays of talks between the harbour board\nand the crews.\n\n"
            "Ships had waited outside the breakwater\nsince Friday, and two of them turned back\nfor lack of fuel.",
            id="blank line between",
        ),
        pytest.param(
            "The port reopened on Monday after three\ndays of talks between the harbour board\nand the crews.\n"
            "    Ships had waited outside the\nbreakwater since Friday, and two of them\nturned back for lack of fuel.",
            id="indented",
        ),
        pytest.param(f"{FIRST}\n{SECOND}", id="one line a paragraph"),
        pytest.param(f"   {FIRST}\n\n\n{SECOND}  ", id="one line a paragraph, blanks about"),
    ],
)
def test_paragraphs_come_out_whole_however_they_were_set(text: str) -> None:
    assert scraped_text(text).paragraphs == (FIRST, SECOND)


def test_a_telegram_in_capitals_keeps_every_word() -> None:
    text = (
        "PORT CITY, 3 JAN 90 (HARBOUR RADIO) -- [TEXT] THE HARBOUR BOARD SAID TODAY\n"
        "THAT TALKS WITH THE CREWS WENT ON.  NO SHIP HAS LEFT SINCE FRIDAY, AND NONE\n"
        "IS EXPECTED TO LEAVE BEFORE MONDAY.\n\n"
        "   THE CREWS -- SOME 400 MEN -- HAVE NOT BEEN PAID SINCE MAY, ACCORDING TO\n"
        "THEIR UNION.\n"
    )
    article = scraped_text(text)
    assert article.dateline == Dateline(place="PORT CITY", agency="HARBOUR RADIO")
    assert " ".join(article.paragraphs) == " ".join(text.partition("[TEXT] ")[2].split())
    assert len(article.paragraphs) == 2
    assert article.title is None
    assert article.removed == ()


words = st.text(st.sampled_from("abcdefgh éüя字"), min_size=1, max_size=12)
sentences = st.lists(words, min_size=9, max_size=20).map(
    lambda some: "The " + " ".join(" ".join(some).split()) + " end."
)


@given(st.lists(sentences, min_size=1, max_size=6, unique=True))
@settings(max_examples=60)
def test_text_that_is_clean_stays_as_it_is(paragraphs: list[str]) -> None:
    article = scraped_text("\n\n".join(paragraphs))
    assert article.paragraphs == tuple(paragraphs)


@given(st.text(st.sampled_from(" \n\tAb.:-•()0©字\u0301"), max_size=300))
@settings(max_examples=150)
def test_some_text_remains_and_no_paragraph_is_blank_or_broken(text: str) -> None:
    article = scraped_text(text)
    assert article.paragraphs or not any(map(str.isalnum, text))
    assert all(paragraph == " ".join(paragraph.split()) != "" for paragraph in article.paragraphs)


@pytest.mark.parametrize(
    "piece",
    [
        " ",
        "-",
        "\n",
        "- ",
        "A, ",
        "(",
        "By A ",
        "a_1",
        ". ",
        "Ships leave 02:05\n",
        "Most read\n",
        "(Schluss, with a table) MEP/hk/lw\n",
        "a | ",
        "* Two ships leave the port before dawn\n",
        "Read more ",
        "字",
    ],
)
def test_a_megabyte_of_one_thing_takes_no_time(piece: str) -> None:
    text = "Port reopens\n" + piece * (1_000_000 // len(piece)) + "\n" + FIRST
    started = time.perf_counter()
    assert scraped_text(text).paragraphs
    assert time.perf_counter() - started < 5
