import re

import pytest

from services.core.gazetteer import Named, load_gazetteer, slug
from services.core.matching import fold
from services.core.place_names import NameKind

GAZETTEER = load_gazetteer()


def _named(text: str) -> Named:
    return max(GAZETTEER.find(fold(text)), key=lambda named: named.end - named.start)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("Libya", "libya", id="one word"),
        pytest.param("United States", "united-states", id="two words"),
        pytest.param("Côte d’Ivoire", "cote-divoire", id="accent and apostrophe"),
        pytest.param("Trinidad & Tobago", "trinidad-and-tobago", id="ampersand"),
        pytest.param("U.S. Virgin Islands", "us-virgin-islands", id="stops"),
        pytest.param("Łódź", "lodz", id="a letter that does not decompose"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_a_name_without_latin_letters_has_no_slug() -> None:
    with pytest.raises(ValueError, match="ليبيا"):
        slug("ليبيا")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("LY", "libya"),
        ("US", "united-states"),
        ("GB", "united-kingdom"),
        ("KR", "south-korea"),
        ("KP", "north-korea"),
        ("RU", "russia"),
        ("SY", "syria"),
        ("IR", "iran"),
        ("VN", "vietnam"),
        ("CI", "ivory-coast"),
        ("HK", "hong-kong"),
        ("XK", "kosovo"),
    ],
)
def test_countries_have_the_slug_of_their_short_name(code: str, expected: str) -> None:
    assert GAZETTEER.countries[code].slug == expected


def test_every_country_has_its_own_well_formed_slug() -> None:
    slugs = [country.slug for country in GAZETTEER.countries.values()]
    assert len(set(slugs)) == len(slugs) >= 249
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one) and len(one) <= 64 for one in slugs)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("U.K.", "GB"),
        ("Britain", "GB"),
        ("Northern Ireland", "GB"),
        ("UAE", "AE"),
        ("DRC", "CD"),
        ("Burma", "MM"),
        ("Holland", "NL"),
        ("Soviet Union", "RU"),
        ("West Germany", "DE"),
        ("West Bank", "PS"),
        ("Gaza", "PS"),
        ("Taiwan", "TW"),
        ("Türkiye", "TR"),
        ("Allemagne", "DE"),
        ("Vereinigte Staaten", "US"),
        ("Ливия", "LY"),
        ("в Ливии", "LY"),
        ("وليبيا", "LY"),
        ("リビアの首都", "LY"),
        ("在利比亚的", "LY"),
        ("리비아에서", "LY"),
    ],
)
def test_a_country_has_many_names(name: str, code: str) -> None:
    assert _named(name).reading.country == code


@pytest.mark.parametrize(
    ("name", "code"),
    [("Libyan", "LY"), ("Iraqis", "IQ"), ("French", "FR"), ("Briton", "GB"), ("Swiss", "CH"), ("North Koreans", "KP")],
)
def test_a_people_stands_for_its_country(name: str, code: str) -> None:
    reading = _named(name).reading
    assert (reading.country, reading.kind) == (code, NameKind.DEMONYM)


def test_a_state_stands_for_its_country() -> None:
    reading = _named("Texas").reading
    assert (reading.country, reading.kind) == ("US", NameKind.REGION)


def test_georgia_is_a_country_and_a_state() -> None:
    reading = _named("Georgia").reading
    assert reading.country == "GE"
    assert reading.region == ("US", "GA")


@pytest.mark.parametrize(
    ("name", "city", "country"),
    [
        ("Tripoli", "Tripoli", "LY"),
        ("Raqqa", "Ar Raqqah", "SY"),
        ("Kiev", "Kyiv", "UA"),
        ("Moskau", "Moscow", "RU"),
        ("Bogota", "Bogotá", "CO"),
        ("Москва", "Moscow", "RU"),
        ("北京", "Beijing", "CN"),
    ],
)
def test_a_city_has_many_names(name: str, city: str, country: str) -> None:
    largest = _named(name).reading.cities[0]
    assert (largest.name, largest.country) == (city, country)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("White House", id="GeoNames has it for Casablanca"),
        pytest.param("Africa", id="GeoNames has it for Mahdia"),
        pytest.param("March", id="a town in Cambridgeshire"),
        pytest.param("New York Times", id="a newspaper"),
    ],
)
def test_a_name_of_something_else_masks_the_place(name: str) -> None:
    assert _named(name).reading.is_mask


def test_it_has_about_fifteen_thousand_cities_each_once_to_a_name() -> None:
    assert 12_000 < len({city.geonames_id for reading in GAZETTEER.readings for city in reading.cities}) < 18_000
    assert all(len(set(reading.cities)) == len(reading.cities) for reading in GAZETTEER.readings)


def test_every_reading_stands_for_something() -> None:
    for reading in GAZETTEER.readings:
        assert reading.is_mask or reading.country or reading.cities
