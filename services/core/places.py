"""CleanDocument -> the countries and cities that its title, highlights, dateline and text mention."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import log10, sqrt
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from schemas.documents import CleanDocument, Place, PlaceKind
from services.core.gazetteer import Gazetteer
from services.core.place_names import City, Region
from services.core.toponyms import Strength, Toponym, toponyms

DATELINE: Final = "dateline"
"""The field whose offsets point into `dateline.place`."""

LEAD_CHARS: Final = 600
"""So much of the text tells what it is about: two or three paragraphs of an agency report."""

# What one mention weighs, and how prominent the best place of a mention makes it.
_WEIGHT: Final = {"title": 4.0, "highlight": 2.0, "dateline": 0.5, "lead": 2.0, "text": 1.0}
_PROMINENCE: Final = {"title": 1.0, "highlight": 0.6, "dateline": 0.2, "lead": 0.6, "text": 0.3}

_PLACES: Final = TypeAdapter(tuple[Place, ...])

# Between towns of one name, in powers of ten of their people: being the capital, and what the document speaks of.
_CAPITAL: Final = 1.0
_MENTIONED: Final = 0.8
_SHARE: Final = 1.2


class _Found(NamedTuple):
    """A toponym with its field, and what it was found to be."""

    field: str
    zone: str
    toponym: Toponym
    country: str
    city: City | None


class _Placed(NamedTuple):
    field: str
    zone: str
    toponym: Toponym


def find_places(document: CleanDocument, gazetteer: Gazetteer) -> tuple[Place, ...]:
    """
    Return every country and city mentioned, most salient first.

    A country's mentions are its names, its people's and its regions'; its salience counts its cities, too.
    """
    placed = _without_persons(
        _Placed(field, _zone(field, toponym.start), _in_dateline(toponym) if field == DATELINE else toponym)
        for field, content in _fields(document)
        for toponym in toponyms(content, gazetteer)
    )
    shares = _country_shares(placed)
    found = _resolved(placed, shares)
    supported = {one.country for one in found if one.toponym.strength is Strength.STRONG}
    return _ranked([one for one in found if one.country in supported], gazetteer)


def _fields(document: CleanDocument) -> Iterable[tuple[str, str]]:
    if document.title:
        yield "title", document.title
    yield from ((f"highlights[{index}]", highlight) for index, highlight in enumerate(document.highlights))
    if document.dateline and document.dateline.place:
        yield DATELINE, document.dateline.place
    yield "text", document.text


def _zone(field: str, start: int) -> str:
    if field == "text":
        return "lead" if start < LEAD_CHARS else "text"
    return field if field in _WEIGHT else "highlight"


def _in_dateline(toponym: Toponym) -> Toponym:
    """A dateline names a place and nothing else: `READING`, `HOUSTON`."""
    return toponym._replace(strength=Strength.STRONG, is_located=True)


def _without_persons(placed: Iterable[_Placed]) -> list[_Placed]:
    """Drop persons, and what a surname says again: after `Michael Jordan`, `Jordan scored` is no country."""
    everything = list(placed)
    persons = {one.toponym.name for one in everything if one.toponym.strength is Strength.PERSON}
    return [
        one
        for one in everything
        if one.toponym.strength is not Strength.PERSON and (one.toponym.name not in persons or one.toponym.is_located)
    ]


def _country_shares(placed: Iterable[_Placed]) -> Mapping[str, float]:
    """Return how much of the document's certain mentions each country has; they sum to 1, or there are none."""
    weights: defaultdict[str, float] = defaultdict(float)
    for one in placed:
        country = _certain_country(one.toponym)
        if country:
            weights[country] += _WEIGHT[one.zone]
    total = sum(weights.values())
    return {country: weight / total for country, weight in weights.items()}


def _certain_country(toponym: Toponym) -> str | None:
    reading = toponym.reading
    if toponym.strength is not Strength.STRONG:
        return None
    if toponym.within:
        return toponym.within.country if isinstance(toponym.within, Region) else toponym.within
    if reading.country:
        return None if reading.region and reading.region.country != reading.country else reading.country
    owners = {city.country for city in reading.cities}
    return owners.pop() if len(owners) == 1 else None


def _resolved(placed: Sequence[_Placed], shares: Mapping[str, float]) -> list[_Found]:
    """Say of each toponym which country or city it is; a town named with its state is that town all through."""
    told: dict[str, City] = {}
    for one in placed:
        if one.toponym.within and (city := _city_within(one.toponym)):
            told.setdefault(one.toponym.name, city)
    found = []
    for one in placed:
        toponym = one.toponym
        country, city = _meaning(toponym, told.get(toponym.name), shares)
        found.append(_Found(one.field, one.zone, toponym, country, city))
    return found


def _meaning(toponym: Toponym, told: City | None, shares: Mapping[str, float]) -> tuple[str, City | None]:
    reading = toponym.reading
    if isinstance(toponym.within, Region):
        city = _city_within(toponym)
        # Without a town in the gazetteer the name still stands for its state's country.
        return toponym.within.country, city
    if toponym.within:
        return toponym.within, _city_within(toponym)
    if reading.cities:
        city = told or max(reading.cities, key=lambda city: _plausibility(city, shares))
        return city.country, city
    assert reading.country is not None
    if reading.region and shares.get(reading.region.country, 0) > shares.get(reading.country, 0):
        return reading.region.country, None
    return reading.country, None


def _city_within(toponym: Toponym) -> City | None:
    within = toponym.within
    for city in toponym.reading.cities:
        if within in {city.country, (city.country, city.admin1)}:
            return city
    return None


def _plausibility(city: City, shares: Mapping[str, float]) -> float:
    share = shares.get(city.country, 0)
    return log10(city.population + 1) + _CAPITAL * city.is_capital + (_MENTIONED if share else 0) + _SHARE * share


def _ranked(found: Sequence[_Found], gazetteer: Gazetteer) -> tuple[Place, ...]:
    total = sum(_WEIGHT[one.zone] for one in found)
    of_country: defaultdict[str, list[_Found]] = defaultdict(list)
    of_city: defaultdict[City, list[_Found]] = defaultdict(list)
    for one in found:
        of_country[one.country].append(one)
        if one.city:
            of_city[one.city].append(one)
    places: list[dict[str, Any]] = []
    for code, group in of_country.items():
        own = [one for one in group if one.city is None]
        if own:
            entry = gazetteer.countries[code]
            places.append(
                {
                    "name": entry.name,
                    "kind": PlaceKind.COUNTRY,
                    "country": code,
                    "geonames_id": entry.geonames_id,
                    "mentions": _mentions(own),
                    "salience": _salience(group, total),
                }
            )
    places += [
        {
            "name": city.name,
            "kind": PlaceKind.CITY,
            "country": city.country,
            "geonames_id": city.geonames_id,
            "lat": city.lat,
            "lon": city.lon,
            "mentions": _mentions(group),
            "salience": _salience(group, total),
        }
        for city, group in of_city.items()
    ]
    places.sort(key=lambda place: -place["salience"])
    # Validating all at once takes half the time of making them mention by mention.
    return _PLACES.validate_python(places)


def _mentions(found: Iterable[_Found]) -> list[dict[str, Any]]:
    return [{"field": one.field, "start": one.toponym.start, "end": one.toponym.end} for one in found]


def _salience(found: Sequence[_Found], total: float) -> float:
    """Return the geometric mean of the share of the document's mentions and the prominence of the best one."""
    share = sum(_WEIGHT[one.zone] for one in found) / total
    return round(sqrt(share * max(_PROMINENCE[one.zone] for one in found)), 3)
