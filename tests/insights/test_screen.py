"""What a terminal shows of insights: within its width, to scale, and nothing of a stranger's rules it."""

import io
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import pytest
from rich.console import Console, RenderableType

from schemas.documents import Model
from schemas.insights import TrendEvent
from services.insights.kept import Kept
from services.insights.screen import nothing_bursts, signs_for, story_screen, tag_screen, trends_screen
from services.insights.telling import BLOCKS, SIGNS
from tests.insights.records import NOON, assigned, bursting, example, history, record, trend

HOSTILE = "\x1b]0;owned\x07[bold]x[/bold]\n<script>"


def told(*said: Model) -> Kept:
    kept = Kept()
    for each in said:
        kept.take(*record(each))
    return kept


def shown(parts: Iterable[RenderableType], *, width: int = 80) -> list[str]:
    written = io.StringIO()
    console = Console(file=written, width=width, highlight=False, force_terminal=False)
    for part in parts:
        console.print(part, overflow="ellipsis", no_wrap=True)
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_what_bursts_is_shown_with_its_line_its_reason_and_its_documents() -> None:
    kept = told(
        bursting("libya", examples=(example("a", "Fighting spreads"), example("b", "Ceasefire", source="gazette"))),
        trend("economy", event=TrendEvent.ENDED, started_at=NOON - timedelta(days=1)),
        history("economy"),
    )

    assert shown(trends_screen(kept, width=80, signs=BLOCKS)) == [
        "1 of 2 tags bursts, as of 2026-01-31 12:00 UTC",
        "",
        "libya  ▁▂▁▁▃▁▂▁▁▂▁▁▁▂▁▁▃▁▂▁▁▂▁▁▁▂▁▁▃▆█▇  2.7 h",
        "    22 stories in 1 h, 3.6 expected; by chance 1 in 2 billion; since 11:40",
        "    12:00  Fighting spreads  wire",
        "    12:00  Ceasefire  gazette",
        "",
        "Over",
        "    2026-01-30 12:00 to 2026-01-31 12:00  economy  at most 22 stories in 1 h",
    ]


def test_a_quiet_day_is_told_in_a_sentence() -> None:
    assert nothing_bursts(told(history("libya"))) == "No tag bursts as of 2026-01-31 12:00 UTC; 1 tag is counted."
    assert nothing_bursts(Kept()) == "No tag bursts; 0 tags are counted."
    assert shown(trends_screen(Kept(), width=80, signs=BLOCKS)) == []


def test_a_tag_is_shown_beside_what_was_expected() -> None:
    said = bursting("libya")
    before = trend("libya", started_at=NOON - timedelta(days=2), event=TrendEvent.ENDED, at=NOON - timedelta(days=2))

    lines = shown(
        tag_screen(said, [trend("libya"), before], is_bursting=True, width=80, signs=SIGNS),
    )

    assert lines[:5] == [
        "libya bursts: 22 stories in 1 h, 3.6 expected; by chance 1 in 2 billion",
        "",
        "stories   _.__-_.__.___.__-_.__.___.__-+#*  31 in all",
        "expected  ________________________________  9.6 in all",
        "          2026-01-31 09:20 to 12:00 UTC, 5 min a sign",
    ]
    assert [line.split() for line in lines[7:9]] == [
        ["2026-01-31", "11:40", "goes", "on", "22", "3.6", "1", "in", "2", "billion"],
        ["2026-01-29", "12:00", "12:00", "over", "22", "3.6", "1", "in", "2", "billion"],
    ]
    assert lines[-1] == "    12:00  About doc-2  wire"


def test_a_tag_that_does_not_burst_says_so() -> None:
    (first, *_) = shown(tag_screen(history("libya", score=0.4), [], is_bursting=False, width=80, signs=BLOCKS))

    assert first == "libya does not burst: 22 stories in 1 h, 3.6 expected"


def test_a_tag_of_which_nothing_is_known_but_its_name_is_shown() -> None:
    lines = shown(tag_screen(history("libya", stories=()), [], is_bursting=False, width=80, signs=BLOCKS))

    assert lines[2] == "stories     0 in all"


def test_a_story_is_shown_in_time_order_with_likenesses_by_number() -> None:
    kept = told(
        assigned("b", "a", minutes=5, duplicate_of="a", documents=4),
        assigned("a", "a"),
        assigned("c", "a", minutes=9, duplicate_of="gone", similarity=None, source="gazette", title=None),
    )
    story = kept.story("b")
    assert story is not None

    assert shown(story_screen(story, "b")) == [
        "4 documents of 2 sources are one story",
        "2026-01-31 12:00 to 12:09 UTC",
        "1 document of it is no longer kept",
        "",
        "    time (UTC)      like       document",
        " 1  01-31 12:00:00  -          About a",
        "                               wire  a",
        ">2  01-31 12:05:00  93 % of 1  About b",
        "                               wire  b",
        " 3  01-31 12:09:00  ? of gone  c",
        "                               gazette  c",
    ]


@pytest.mark.parametrize(
    ("at", "year"),
    [
        pytest.param(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), "1-", id="the year 1"),
        pytest.param(datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))), "9999-", id="the year 9999"),
    ],
)
def test_a_story_of_a_time_that_utc_does_not_have_is_shown(at: datetime, year: str) -> None:
    kept = told(assigned("far", "far").model_copy(update={"at": at}))
    story = kept.story("far")
    assert story is not None

    assert shown(story_screen(story, "far"))[1].lstrip("0").startswith(year)


def test_a_long_story_is_cut_where_that_is_asked_for() -> None:
    kept = told(*(assigned(f"{number}", "0", minutes=number, documents=3) for number in range(3)))
    story = kept.story("0")
    assert story is not None

    lines = shown(story_screen(story, "0", most=1))

    assert [line for line in lines if "About" in line] == [">1  01-31 12:00:00  -     About 0"]
    assert lines[-1] == "and 2 documents more"


def test_documents_are_those_of_a_burst_that_there_was() -> None:
    there_was = trend("libya", event=TrendEvent.ENDED, started_at=NOON - timedelta(days=2))
    withdrawn = trend("libya", event=TrendEvent.WITHDRAWN)

    lines = shown(tag_screen(history("libya"), [withdrawn, there_was], is_bursting=False, width=80, signs=BLOCKS))
    none = shown(tag_screen(history("libya"), [withdrawn], is_bursting=False, width=80, signs=BLOCKS))

    assert "Documents of the burst since 2026-01-29 12:00 UTC" in lines
    assert not any(line.startswith("Documents of") for line in none)


@pytest.mark.parametrize("width", [40, 80, 120, 250])
def test_nothing_is_wider_than_the_terminal_nor_rules_it(width: int) -> None:
    said = bursting(
        "united-arab-emirates", examples=(example(HOSTILE * 9, HOSTILE * 9, source=HOSTILE * 9),)
    ).model_copy(update={"stories": tuple(range(2000)), "expected": (1.5,) * 2000})
    kept = told(said, assigned(HOSTILE, HOSTILE, title=HOSTILE * 9, source=HOSTILE, duplicate_of=HOSTILE))
    story = kept.story(HOSTILE)
    assert story is not None
    assert said.burst is not None

    lines = [
        *shown(trends_screen(kept, width=width, signs=BLOCKS), width=width),
        *shown(tag_screen(said, [said.burst], is_bursting=True, width=width, signs=BLOCKS), width=width),
        *shown(story_screen(story, HOSTILE), width=width),
    ]

    assert all(len(line) <= width for line in lines)
    assert not any(char in line for line in lines for char in "\x1b\x07")
    assert any("[bold]x" in line for line in lines)


@pytest.mark.parametrize(
    ("encoding", "signs"), [("utf-8", BLOCKS), ("ascii", SIGNS), ("latin-1", SIGNS), ("no such", SIGNS)]
)
def test_signs_are_those_that_the_terminal_can_say(encoding: str, signs: str) -> None:
    assert signs_for(encoding) == signs
