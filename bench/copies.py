"""Generated reports, and what newsrooms make of them when they print another's: with the truth of which are one."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.workload import PLACES, SUBJECTS, article

MARKETS: Final = ("copper", "wheat", "cotton", "palm oil", "sugar", "natural gas", "iron ore", "coffee")
AGENCIES: Final = ("Wire Agency", "North Press", "Meridian News", "Andes Press")
MARKET_REPORT: Final = """\
The price of {thing} in {place} {moved} by {n1} percent to {n2} dollars on {day}, after a week in which it had gained {n3} percent.

Traders said that {subject} had been on the minds of buyers, and that stocks in {place} stood at {n4} tonnes, against {n5} tonnes a year before.

The contract for delivery in three months was quoted at {n6} dollars. Volume was {n7} lots, the {most} since {month}.

Analysts polled by {agency} expect {thing} to end the year at {n8} dollars, where a month ago they had expected {n9}.

The exchange in {place} opens again on {next_day} at nine in the morning. Prices are indicative and may differ from those of other markets."""  # noqa: E501
"""A form that is filled in day by day: its reports are alike, and none is a copy of another."""
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS: Final = ("January", "March", "May", "July", "September", "November")


@dataclass(frozen=True, slots=True)
class Report:
    """A text as one publisher printed it."""

    story: int
    """The truth: reports of one story come from one text."""
    text: str


def reports(stories: int, *, seed: int, form_share: float = 0.1) -> list[Report]:
    """Return the reports of so many stories, always the same for one seed: half of them are printed several times."""
    chance = random.Random(seed)
    found: list[Report] = []
    for story in range(stories):
        is_form = chance.random() < form_share
        text = market_report(chance) if is_form else original(chance)
        found.append(Report(story, text))
        found += [Report(story, edited(text, chance)) for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2, 4, 8)))]
    return found


def original(chance: random.Random) -> str:
    """Return an article of 300 to 6,000 characters with numbers in it."""
    paragraphs = article(chance.randrange(2**32), chance.randrange(300, 6_000)).split("\n\n")
    told = (
        f"{paragraph} {chance.choice(SUBJECTS).capitalize()} counted {chance.randrange(2, 900)}"
        f" of {chance.randrange(1_000, 9_000)} in {chance.choice(PLACES)}."
        if chance.random() < 0.5
        else paragraph
        for paragraph in paragraphs
    )
    return "\n\n".join(told)


def market_report(chance: random.Random) -> str:
    """Return a report by a form: the Jaccard similarity of two is about .2, or more where place and thing are one."""
    numbers = {f"n{at}": str(chance.randrange(10, 9_999)) for at in range(1, 10)}
    return MARKET_REPORT.format(
        thing=chance.choice(MARKETS),
        place=chance.choice(PLACES),
        subject=chance.choice(SUBJECTS),
        moved=chance.choice(("rose", "fell")),
        most=chance.choice(("most", "least")),
        agency=chance.choice(AGENCIES),
        day=chance.choice(DAYS),
        next_day=chance.choice(DAYS),
        month=chance.choice(MONTHS),
        **numbers,
    )


def edited(text: str, chance: random.Random) -> str:
    """Return the text as another prints it: mostly with a few edits, sometimes as it is, sometimes with many."""
    for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 2, 3, 4, 8))):
        text = chance.choice(EDITS)(text, chance)
    return text


def agency_line(text: str, chance: random.Random) -> str:
    return f"{chance.choice(PLACES).upper()} ({chance.choice(AGENCIES)}) - {text}"


def credit_line(text: str, chance: random.Random) -> str:
    names = [f"{chance.choice('ABCDEFGHJ')}. {chance.choice(PLACES)}" for _ in range(3)]
    return f"{text}\n\n(Reporting by {names[0]} and {names[1]}; editing by {names[2]})"


def cut_end(text: str, chance: random.Random) -> str:
    """Cut a twelfth to a fourth, by whole sentences: for the space on a page."""
    sentences = re.split(r"(?<=\.)(?=\s)", text)
    return "".join(sentences[: -max(1, len(sentences) // chance.randrange(4, 13))] or sentences)


def inserted(text: str, chance: random.Random) -> str:
    """Put in a paragraph of one's own."""
    paragraphs = text.split("\n\n")
    paragraphs.insert(chance.randrange(1, len(paragraphs) + 1), article(chance.randrange(2**32), 240))
    return "\n\n".join(paragraphs)


def moved(text: str, chance: random.Random) -> str:
    paragraphs = text.split("\n\n")
    paragraphs.insert(chance.randrange(len(paragraphs)), paragraphs.pop(chance.randrange(len(paragraphs))))
    return "\n\n".join(paragraphs)


def updated_numbers(text: str, chance: random.Random) -> str:
    return re.sub(r"\d+", lambda _: str(chance.randrange(2, 9_000)), text)


def house_style(text: str, chance: random.Random) -> str:
    """Write some words as the house does."""
    ours = dict(
        chance.sample((("said", "told reporters"), ("percent", "per cent"), ("two", "2"), ("about", "some")), 2)
    )
    return re.sub(r"\w+", lambda word: ours.get(word[0], word[0]), text)


def other_words(text: str, chance: random.Random) -> str:
    """Write every fortieth word anew."""
    return re.sub(r"\w+", lambda word: "instead" if chance.random() < 1 / 40 else word[0], text)


def typography(text: str, chance: random.Random) -> str:
    """Set it otherwise: paragraphs joined, dashes, blanks that do not break, capitals, quotation marks."""
    text = chance.choice((text.replace("\n\n", "\n"), text.replace(" of ", "\u00a0of "), text))
    text = text.replace(" - ", " \u2014 ")
    first, _, rest = text.partition(".")
    return f"\u201c{first.upper()}\u201d.{rest}"


EDITS: Final[tuple[Callable[[str, random.Random], str], ...]] = (
    agency_line,
    credit_line,
    cut_end,
    inserted,
    moved,
    updated_numbers,
    house_style,
    other_words,
    typography,
)
