"""One field's text -> the names in it that may be places, each judged by the words around it."""

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from operator import ne
from typing import Final, NamedTuple

from services.core.gazetteer import Gazetteer, Named
from services.core.matching import fold
from services.core.place_names import City, NameKind, Reading, Region

_BEHIND: Final = re.compile(r"[ \n]([^\W_][\w'’-]*)")
_INITIALS: Final = re.compile(r"\b[A-Z]\.[ \n]?$")
_REGION_BEHIND: Final = re.compile(r",[ \n]((?:[A-Z]\.){2,3}|[A-Z][A-Za-z]*\. ?[A-Z][a-z]+\.|[A-Z][a-z]+\.|[A-Z]{2}\b)")
_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_SENTENCE_ENDS: Final = frozenset(".!?:\n\"“”'‘’•")
_CONTEXT_CHARS: Final = 40
# Enough to tell a text in capitals only.
_SAMPLE_CHARS: Final = 500
_NEVER_PRONOUN: Final = frozenset({"the", "-"})

_LARGE: Final = 500_000
_KNOWN: Final = 100_000


class Strength(IntEnum):
    """How sure it is, from the words around it, that a name is a place."""

    PERSON = 0
    """A person, or a common word that opens a sentence."""
    WEAK = 1
    """Only if the document mentions the country in another way."""
    STRONG = 2


class Toponym(NamedTuple):
    """A name that may be a place, where it stands and what speaks for it."""

    name: str
    """Folded."""
    start: int
    end: int
    reading: Reading
    strength: Strength
    is_located: bool
    """A preposition of place stands before it, or its state or country behind it."""
    within: Region | str | None
    """The state or country that stands behind a town's name and holds a town of that name."""


class _Field(NamedTuple):
    """A field's text and what is known of it as a whole."""

    text: str
    folded: str
    is_capitals: bool
    is_title_case: bool
    gazetteer: Gazetteer


def toponyms(text: str, gazetteer: Gazetteer) -> list[Toponym]:
    """Return the names in a field in reading order, longest first where they overlap; persons are among them."""
    field = _field(text, gazetteer)
    names = _outermost([named for named in gazetteer.find(field.folded) if _is_written_as_name(named, field)])
    by_start = {named.start: named.reading for named in names if not named.reading.is_mask}
    settled: dict[int, str] = {}
    found = []
    for named in names:
        if named.reading.is_mask or _is_street(named, field):
            continue
        within = _within(named, by_start, settled, field) if field.text.startswith(",", named.end) else None
        if country := settled.get(named.start):
            reading = Reading(country, named.reading.kind)
            located = Toponym("", named.start, named.end, reading, Strength.STRONG, is_located=True, within=None)
            found.append(located._replace(name=field.folded[named.start : named.end]))
        else:
            found.append(_judged(named, within, by_start, field))
    return found


def _field(text: str, gazetteer: Gazetteer) -> _Field:
    sample = text[:_SAMPLE_CHARS].split()
    upper = sum(map(str.isupper, sample))
    lower = sum(map(ne, sample, map(str.upper, sample)))
    words = _WORD.findall(text) if len(text) < 300 else []
    capitalised = sum(word[0].isupper() for word in words)
    return _Field(
        text=text,
        folded=fold(text),
        is_capitals=upper > 2 * lower,
        is_title_case=len(words) > 2 and capitalised >= 0.75 * len(words),
        gazetteer=gazetteer,
    )


def _outermost(names: Sequence[Named]) -> list[Named]:
    kept: list[Named] = []
    for named in sorted(names, key=lambda named: (named.start, -named.end)):
        if not kept or named.start >= kept[-1].end:
            kept.append(named)
    return kept


def _is_written_as_name(named: Named, field: _Field) -> bool:
    """Tell `Turkey` from `turkey` and `US` from `us`; in a text of capitals only, by the words around."""
    written = field.text[named.start : named.end]
    if named.reading.is_abbreviation:
        if not written.isupper():
            return False
        return not field.is_capitals or written != "US" or _is_no_pronoun(named, field)
    if field.is_capitals:
        return True
    bare = written.removeprefix("the ")
    last = bare.rpartition(" ")[2]
    if bare[:1].islower() or last[:1].islower():
        return False
    # An acronym is no town: NICE, BATH. A dateline is: PARIS (Reuters).
    return not (named.reading.cities and len(bare) <= 4 and bare.isupper() and bare.isascii() and named.start > 0)


def _is_street(named: Named, field: _Field) -> bool:
    # Few names have a capitalised word behind them; to see that takes less than the pattern does.
    if not field.text[named.end + 1 : named.end + 2].isupper():
        return False
    behind = _BEHIND.match(field.text, named.end)
    return behind is not None and fold(behind[1]) in field.gazetteer.context.streets


def _is_no_pronoun(named: Named, field: _Field) -> bool:
    """Tell `THE US EMBASSY` from `HE TOLD US`."""
    before = _word_before(field, named.start)
    return not field.text[: named.start].strip() or before in _NEVER_PRONOUN


def _within(
    named: Named, by_start: Mapping[int, Reading], settled: dict[int, str], field: _Field
) -> Region | str | None:
    """Return the state or country behind a comma, if a place of that name lies there; settle what it means, too."""
    if found := _REGION_BEHIND.match(field.text, named.end):
        # In capitals `ARAUCA, IN EASTERN COLOMBIA` is no town of Indiana.
        region = (
            None if field.is_capitals and "." not in found[1] else field.gazetteer.abbreviations.get(fold(found[1]))
        )
        if region and (not named.reading.country or "." in found[1] or named.reading.kind is NameKind.NAME):
            return region
    start = named.end + 2
    behind = by_start.get(start) if field.folded[named.end : start] == ", " else None
    if behind is None or behind.cities:
        return None
    if behind.region and any(_lies_in(city, behind.region) for city in named.reading.cities):
        settled[start] = behind.region.country
        return behind.region
    if behind.region and behind.region.country == behind.country:
        # A town too small for the gazetteer stands before a state more often than a list of places begins so.
        return behind.region if named.reading.cities else None
    if any(city.country == behind.country for city in named.reading.cities):
        assert behind.country is not None
        settled[start] = behind.country
        return behind.country
    return None


def _lies_in(city: City, region: Region) -> bool:
    return (city.country, city.admin1) == region


def _judged(named: Named, within: Region | str | None, by_start: Mapping[int, Reading], field: _Field) -> Toponym:
    name = field.folded[named.start : named.end]
    before = _word_before(field, named.start)
    is_located = within is not None or before in field.gazetteer.context.locative
    if within is not None:
        strength = Strength.STRONG
    elif _is_person(name, named, before, by_start, field):
        strength = Strength.PERSON
    elif named.reading.country:
        strength = _country_strength(name, named, before, field)
    else:
        strength = _city_strength(name, named, before, field)
    return Toponym(name, named.start, named.end, named.reading, strength, is_located, within)


def _is_person(name: str, named: Named, before: str, by_start: Mapping[int, Reading], field: _Field) -> bool:
    """Tell `Sam Houston`, `Mr Jordan` and `Paris Hilton`."""
    context = field.gazetteer.context
    if " " in name or named.reading.is_abbreviation:
        return False
    is_doubtful = not named.reading.country or bool(named.reading.region) or name in context.doubtful_countries
    if is_doubtful and before in context.titles and _is_capital_before(field, named.start):
        return True
    if before in context.first_names and _is_capital_before(field, named.start):
        # `Austin Texas` is a town and its state.
        place_before = by_start.get(named.start - 1 - len(before))
        return not (place_before and named.reading.country and not named.reading.cities)
    close_before = field.text[max(0, named.start - 3) : named.start]
    if is_doubtful and "." in close_before and _INITIALS.search(field.text, max(0, named.start - 3), named.start):
        return "." not in before
    return name in context.first_names and not field.is_capitals and _has_surname(named, before, by_start, field)


def _has_surname(named: Named, before: str, by_start: Mapping[int, Reading], field: _Field) -> bool:
    context = field.gazetteer.context
    behind = _BEHIND.match(field.text, named.end)
    if behind is None or not behind[1][0].isupper() or before in context.locative - context.persons_may_follow:
        return False
    # `Austin Texas` again.
    place_behind = by_start.get(named.end + 1)
    return fold(behind[1]) not in context.institutions and not (place_behind and place_behind.country)


def _country_strength(name: str, named: Named, before: str, field: _Field) -> Strength:
    context = field.gazetteer.context
    if name not in context.doubtful_countries and name not in context.first_names:
        return Strength.STRONG
    if before in context.locative or before in context.foreign:
        return Strength.STRONG
    behind = _BEHIND.match(field.folded, named.end)
    if behind and behind[1] in context.speech:
        return Strength.WEAK
    return Strength.WEAK if field.is_title_case or _opens_sentence(named, field) else Strength.STRONG


def _city_strength(name: str, named: Named, before: str, field: _Field) -> Strength:
    context = field.gazetteer.context
    largest = named.reading.cities[0]
    is_located = before in context.locative
    if name in context.first_names and before in context.persons_may_follow:
        is_located = False
    if name in context.common or (len(name) < 4 and not _is_unspaced(name)):
        # `in Reading` may be the town, `Reading the news` is not: as good as a person.
        return Strength.WEAK if is_located and not field.is_title_case else Strength.PERSON
    if is_located or largest.is_capital or largest.population >= _LARGE:
        return Strength.STRONG
    if field.is_capitals or field.is_title_case or _opens_sentence(named, field) or name in context.first_names:
        return Strength.WEAK
    if before and _is_capital_before(field, named.start):
        return Strength.WEAK
    return Strength.STRONG if largest.population >= _KNOWN else Strength.WEAK


def _is_unspaced(name: str) -> bool:
    return ord(name[0]) >= 0x0E00


def _word_before(field: _Field, start: int) -> str:
    """Return the folded word before an offset without its stop; empty where punctuation or nothing stands there."""
    before = field.folded[max(0, start - _CONTEXT_CHARS) : start]
    if before[-1:] != " ":
        return ""
    words = before.rsplit(maxsplit=1)
    word = words[-1].lstrip("\"'([") if words else ""
    if word.endswith("."):
        # `Mr. Jordan`, but not `… to the city. Jordan …`.
        word = word[:-1]
        return word if word in field.gazetteer.context.titles else ""
    return word if word and (word[-1].isalnum() or word[-1] == "-") else ""


def _is_capital_before(field: _Field, start: int) -> bool:
    words = field.text[max(0, start - _CONTEXT_CHARS) : start].rsplit(maxsplit=1)
    return bool(words) and words[-1].lstrip("\"'([“‘")[:1].isupper()


def _opens_sentence(named: Named, field: _Field) -> bool:
    before = field.text[max(0, named.start - _CONTEXT_CHARS) : named.start]
    stripped = before.rstrip(" ")
    return not stripped or stripped[-1] in _SENTENCE_ENDS
