from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.documents import CleanDocument, Dateline, Place, PlaceKind
from services.core.gazetteer import load_gazetteer
from services.core.places import find_places

GAZETTEER = load_gazetteer()


def _places(
    text: str, title: str | None = None, highlights: tuple[str, ...] = (), dateline: str | None = None
) -> tuple[Place, ...]:
    document = CleanDocument(
        id="d1",
        source="test",
        title=title,
        highlights=highlights,
        dateline=Dateline(place=dateline),
        text=text,
        pipeline_version="0",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return find_places(document, GAZETTEER)


def _codes(text: str, title: str | None = None, dateline: str | None = None) -> set[str]:
    return {place.country for place in _places(text, title, dateline=dateline)}


def _cities(text: str) -> set[tuple[str, str]]:
    return {(place.name, place.country) for place in _places(text) if place.kind is PlaceKind.CITY}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("Fighting went on in Libya.", {"LY"}, id="a country"),
        pytest.param("Libyan forces helped the Iraqis.", {"LY", "IQ"}, id="peoples"),
        pytest.param("The U.S. and the UK agreed.", {"US", "GB"}, id="abbreviations"),
        pytest.param("They told us that we can go.", set(), id="us is not the US"),
        pytest.param("We ate turkey and broke the china.", set(), id="turkey is not Turkey"),
        pytest.param("Talks in Turkey failed.", {"TR"}, id="Turkey"),
        pytest.param("Reading the report took a nice day. Nice work.", set(), id="words that open sentences"),
        pytest.param("The flood began in Texas.", {"US"}, id="a state alone stands for its country"),
        pytest.param("The New York Times and the Bank of England said so.", set(), id="organisations"),
        pytest.param("Residents of Lombard Street met on Berlin Road.", set(), id="streets"),
        pytest.param("", set(), id="withdrawn"),
    ],
)
def test_countries(text: str, codes: set[str]) -> None:
    assert _codes(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("THE SALVADORAN ARMY BOMBED GUAZAPA, EL SALVADOR.", {"SV"}, id="MUC-4"),
        pytest.param("THE US EMBASSY IN PERU WAS ATTACKED.", {"US", "PE"}, id="the US"),
        pytest.param("THE PRIEST SAID HE HAD TOLD US OF THE ATTACK IN PERU.", {"PE"}, id="us in capitals"),
        pytest.param("A BOMB WENT OFF IN ARAUCA, IN EASTERN COLOMBIA.", {"CO"}, id="IN is not Indiana"),
        pytest.param("A BOMB WENT OFF IN GARY, IND., POLICE SAID.", {"US"}, id="Ind. is Indiana"),
        pytest.param("FRENCH MINISTER FLIES TO TUNISIA", {"FR", "TN"}, id="a headline of Reuters"),
    ],
)
def test_texts_in_capitals(text: str, codes: set[str]) -> None:
    assert _codes(text) == codes


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("Michael Jordan scored. Jordan smiled.", set(), id="a known person, then the surname"),
        pytest.param("Jordan Smith met Mr Jordan.", set(), id="a first name and a title"),
        pytest.param("Chad said that he was tired.", set(), id="Chad said"),
        pytest.param("Rebels crossed into Chad. Chad said it was alarmed.", {"TD"}, id="Chad said, and is a country"),
        pytest.param("King Abdullah of Jordan spoke.", {"JO"}, id="of Jordan"),
        pytest.param("Paris Hilton, Jack London and Sam Houston met.", set(), id="surnames and first names"),
        pytest.param("Gen. Houston and Senator Lincoln agreed.", set(), id="titles"),
        pytest.param("Mary K. Houston spoke.", set(), id="an initial"),
        pytest.param("It is cold, according to Lawrence.", set(), id="a preposition that persons follow"),
        pytest.param("It rains in Austin Texas.", {"US"}, id="a first name that is a town, and its state"),
        pytest.param("Philip English spoke.", set(), id="a surname that is a people"),
        pytest.param("Georgia and Russia signed. Tbilisi is content.", {"GE", "RU"}, id="Georgia the country"),
        pytest.param("Police in Georgia and Alabama, U.S., agreed.", {"US"}, id="Georgia the state"),
        pytest.param("A man from Atlanta, Georgia, was held.", {"US"}, id="Georgia behind its town"),
    ],
)
def test_persons_and_doubtful_countries(text: str, codes: set[str]) -> None:
    assert _codes(text) == codes


@pytest.mark.parametrize(
    ("text", "cities"),
    [
        pytest.param("It rained in Paris.", {("Paris", "FR")}, id="the largest"),
        pytest.param("It rained in Paris, Texas.", {("Paris", "US")}, id="Paris, Texas"),
        pytest.param("It rained in Paris, Tex., and in Rome.", {("Paris", "US"), ("Rome", "IT")}, id="AP style"),
        pytest.param(
            "A fire in London, Ontario. London burned.", {("London", "CA")}, id="told once, meant all through"
        ),
        pytest.param("Canadians went to London.", {("London", "GB")}, id="a capital stays one"),
        pytest.param(
            "British police in Birmingham met British lawyers.", {("Birmingham", "GB")}, id="the larger, and mentioned"
        ),
        pytest.param(
            "Alabama is hot. The Americans of Birmingham, in Alabama, know.",
            {("Birmingham", "US")},
            id="the document is about the other country",
        ),
        pytest.param("He flew to London, France and Italy.", {("London", "GB")}, id="a list is not an address"),
        pytest.param("A bomb went off in Nice, France.", {("Nice", "FR")}, id="a common word with its country"),
        pytest.param("It snowed on Zubin Lancaster.", set(), id="a middling town as a surname"),
        pytest.param("Chesterfield won.", set(), id="a middling town that opens a sentence may be a person"),
        pytest.param(
            "England waits. Chesterfield won.", {("Chesterfield", "GB")}, id="unless its country is mentioned"
        ),
        pytest.param("He owns a house, Bonn, and a car.", {("Bonn", "DE")}, id="a known city needs no preposition"),
        pytest.param("他在北京。", {("Beijing", "CN")}, id="a script without blanks"),
        pytest.param("Moscow and Washington disagree.", {("Moscow", "RU"), ("Washington", "US")}, id="metonyms"),
    ],
)
def test_cities(text: str, cities: set[tuple[str, str]]) -> None:
    assert _cities(text) == cities


@pytest.mark.parametrize(
    ("dateline", "text", "codes"),
    [
        pytest.param("BOGOTA", "The mayor resigned.", {"CO"}, id="the only place"),
        pytest.param("BERGEN, Norway", "The rooks had invaded.", {"NO"}, id="a town and its country"),
        pytest.param("READING", "It rained.", {"GB"}, id="a common word names a town here"),
        pytest.param("CHARLOTTE", "It rained.", {"US"}, id="and so does a first name"),
        pytest.param("BERLIN", "Libya voted.", {"DE", "LY"}, id="where the reporter sat is mentioned, too"),
        pytest.param("On the road", "It rained.", set(), id="no place that we know"),
    ],
)
def test_the_dateline_is_read(dateline: str, text: str, codes: set[str]) -> None:
    assert _codes(text, dateline=dateline) == codes


def test_a_dateline_alone_is_little() -> None:
    salience = {place.country: place.salience for place in _places("Libya voted.", dateline="BERLIN")}
    assert salience["DE"] < 0.3 * salience["LY"]


def test_the_dateline_helps_to_tell_towns_of_one_name() -> None:
    assert ("Birmingham", "US") in {
        (p.name, p.country) for p in _places("Birmingham is calm.", dateline="MONTGOMERY, Ala.")
    }
    assert ("Birmingham", "GB") in _cities("Birmingham is calm.")


@pytest.mark.parametrize("state", ["Tenn.", "TN", "Tennessee"])  # there is a Moscow in Idaho
def test_a_town_that_is_unknown_stands_for_its_state(state: str) -> None:
    [place] = _places(f"It rained in Moscow, {state}, all day.")
    assert (place.name, place.kind, place.country) == ("United States", PlaceKind.COUNTRY, "US")


def test_a_city_has_its_coordinates_and_a_country_its_identifier() -> None:
    places = {place.name: place for place in _places("Libya's capital is Tripoli, Libya.")}
    assert places["Tripoli"].lat == pytest.approx(32.9, abs=0.1)
    assert places["Tripoli"].lon == pytest.approx(13.2, abs=0.1)
    assert places["Tripoli"].geonames_id == 2210247
    assert places["Libya"].geonames_id == 2215636


def test_mentions_are_in_reading_order_and_name_their_field() -> None:
    [place] = _places(
        "Libyans voted in Libya.", title="Libya votes", highlights=("No news", "Libya is calm"), dateline="SIRTE, Libya"
    )[:1]
    assert [(mention.field, mention.start, mention.end) for mention in place.mentions] == [
        ("title", 0, 5),
        ("highlights[1]", 0, 5),
        ("dateline", 7, 12),
        ("text", 0, 7),
        ("text", 17, 22),
    ]


def test_what_stands_in_the_title_comes_first() -> None:
    text = "Libya again. France, Italy and Syria looked on. " + "Nothing happened for a while. " * 30 + "Syria spoke."
    names = [place.name for place in _places(text, title="A raid in Libya")]
    assert names[0] == "Libya"
    assert names[1] == "Syria"


def test_cities_count_for_their_country() -> None:
    places = _places("Benghazi, Misrata and Tripoli fell. Libya and Egypt mourn.")
    assert places[0].name == "Libya"


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                "Libya",
                "libya",
                "LIBYA",
                "Paris",
                ",",
                ".",
                "Texas",
                "Georgia",
                "US",
                "in",
                "Mr",
                "Jordan",
                "利比亚",
                "İ",
                "\n",
                "the",
            ]
        )
        | st.text(max_size=5),
        max_size=25,
    ),
    st.lists(st.sampled_from(["London", "Chad", "said", "Ont.", "St."]), max_size=5),
)
def test_what_holds_for_every_text(words: list[str], title_words: list[str]) -> None:
    fields = {"text": " ".join(words), "title": " ".join(title_words), "highlights[0]": " ".join(reversed(words))}
    fields["dateline"] = fields["title"]
    places = _places(fields["text"], fields["title"], (fields["highlights[0]"],), fields["dateline"])
    assert [place.salience for place in places] == sorted((place.salience for place in places), reverse=True)
    for place in places:
        assert 0 < place.salience <= 1
        assert place.mentions
        for mention in place.mentions:
            assert 0 <= mention.start < mention.end <= len(fields[mention.field])
