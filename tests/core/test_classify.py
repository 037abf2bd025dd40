from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents import (
    ClassifiedDocument,
    Dateline,
    EnrichedDocument,
    Mapping,
    Mention,
    Place,
    PlaceKind,
    RawDocument,
    Removed,
    RemovedReason,
    Status,
    Tag,
    TagKind,
)
from schemas.taxonomy import Example, PlaceRules, TopicDefinition
from services.core.classify import LEAD_CHARACTERS, MAX_EVIDENCE, classify
from services.core.clean import clean
from services.core.enrich import enrich
from services.core.gazetteer import load_gazetteer
from services.core.matching import fold
from services.core.taxonomy import SHIPPED, Taxonomy, compile_taxonomy, load_definitions, load_taxonomy

SEED = Path(__file__).parents[2] / "seeds" / "000_2da34e0ed95bd839.txt"
RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
FAR = "x" * LEAD_CHARACTERS + " "
"""Puts what follows beyond the lead."""

COMMON: dict[str, Any] = {"breadth": 1}
"""A topic that asks for no decisive term."""
RIVER: dict[str, float] = {"rain": 3, "river": 3, "water": 3, "mud": 3}
"""None of them decisive."""


def document(title: str | None = None, text: str = "", **fields: Any) -> EnrichedDocument:
    return EnrichedDocument(
        id="d1",
        source="test",
        title=title,
        text=text,
        pipeline_version="0",
        received_at=RECEIVED,
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        **fields,
    )


def definition(tag: str, terms: dict[str, float], **fields: Any) -> TopicDefinition:
    return TopicDefinition(id=tag, label=tag, description=tag, terms=terms, **fields)


def taxonomy(*definitions: TopicDefinition, threshold: float = 4, share: float = 0.34) -> Taxonomy:
    return compile_taxonomy(
        definitions, PlaceRules(threshold=threshold, share=share, dateline=3, routed=()), load_gazetteer().countries
    )


def flood(terms: dict[str, float], **fields: Any) -> Taxonomy:
    """A taxonomy of one topic, with a threshold of 12 for a short text."""
    return taxonomy(definition("flood", terms, **{"threshold": 20, **fields}))


def tags(read: EnrichedDocument, by: Taxonomy) -> dict[str, Tag]:
    return {tag.id: tag for tag in classify(read, by).tags}


def text_at(read: EnrichedDocument, field: str) -> str:
    if field.startswith("highlights"):
        return read.highlights[int(field[len("highlights[") : -1])]
    if field == "dateline":
        return (read.dateline.place if read.dateline else None) or ""
    return read.text if field == "text" else read.title or ""


@pytest.mark.parametrize(
    ("terms", "fields", "read", "expected"),
    [
        pytest.param({"flood*": 4}, {}, document("Floods"), True, id="a decisive term in the title"),
        pytest.param({"flood*": 4}, {}, document(None, "Floods."), False, id="in passing"),
        pytest.param({"flood*": 4}, {}, document(None, "Floods, flood."), True, id="twice in the lead"),
        pytest.param({"flood*": 4}, {}, document(None, FAR + "Floods, flood."), False, id="twice in the body"),
        pytest.param({"flood*": 4}, {}, document(None, FAR + "Floods. " * 3), True, id="thrice in the body"),
        pytest.param({"flood*": 3}, COMMON, document(None, FAR + "Floods. " * 9), False, id="no more than the cap"),
        pytest.param({"flood*": 3}, COMMON | {"cap": 4}, document(None, FAR + "Floods. " * 9), True, id="a higher cap"),
        pytest.param(RIVER, {}, document("Rain, river", "Rain, river, water. " * 3), False, id="few words said often"),
        pytest.param(RIVER, {}, document("Rain, river", "Rain, water, mud."), True, id="many words"),
        pytest.param(RIVER, {"breadth": 3}, document("Rain, river", "Water."), True, id="fewer words are asked"),
        pytest.param(
            RIVER | {"flood": 4},
            {},
            document("Rain, river", FAR + "A flood."),
            True,
            id="common words and a decisive one",
        ),
        pytest.param(
            RIVER | {"dry": -1}, {}, document("Rain, river", "Water. Dry."), False, id="a word against is no fourth one"
        ),
        pytest.param({"flood*": 4}, {}, document("Floods", "word " * 2000), False, id="lost in a long text"),
        pytest.param({"flood*": 4}, {}, document(None, highlights=("A flood", "Flood")), True, id="in highlights"),
        pytest.param({"flood*": 4, "flood of": 0}, {}, document("A flood of letters"), False, id="masked"),
        pytest.param(
            {"flood*": 4, "flood of": 0}, {}, document("A flood of letters in a flood"), True, id="masked once"
        ),
        pytest.param({"flood*": 4, "quarterback": -1}, {}, document("Flood of a quarterback"), False, id="against"),
        pytest.param({"flood*": 1, "floods": 4}, {}, document("Floods"), True, id="the word says more than its stem"),
        pytest.param(
            {"flood*": 4}, {"require": [["river"]]}, document("Flood in town"), False, id="required and not there"
        ),
        pytest.param(
            {"flood*": 4}, {"require": [["sea", "river"]]}, document("Flood", "The river."), True, id="required"
        ),
        pytest.param(
            {"flood*": 4},
            {"require": [["river"], ["rain"]]},
            document("Flood", "The river."),
            False,
            id="of each group one",
        ),
        pytest.param({"flood*": 4}, {"exclude": ["opera"]}, document("Flood", "An opera."), False, id="excluded"),
        pytest.param(
            {"flood*": 4}, {"exclude": ["opera"]}, document("Flood", FAR + "An opera."), True, id="excluded too late"
        ),
        pytest.param(
            {"flood*": 4}, {"weights": {"title": 1}}, document("Flood"), False, id="a title that weighs little"
        ),
        pytest.param(
            {"flood*": 4},
            {"weights": {"title": 0, "lead": 1, "body": 3}, "cap": 1},
            document("Flood", "Flood. " + FAR + "Flood."),
            True,
            id="the best placed mention counts, wherever that is",
        ),
    ],
)
def test_a_topic_is_earned(
    terms: dict[str, float], fields: dict[str, Any], read: EnrichedDocument, expected: bool
) -> None:
    assert ("flood" in tags(read, flood(terms, **fields))) is expected


def test_evidence_tells_words_signal_and_points() -> None:
    tag = tags(document("FLOODS in Kent", "Rain, flood, match."), flood({"flood*": 4, "rain": 1, "match": -1}))["flood"]
    assert [(hit.field, hit.start, hit.end, hit.term, hit.signal, hit.points) for hit in tag.evidence] == [
        ("title", 0, 6, "FLOODS", "flood*", 12),
        ("text", 6, 11, "flood", "flood*", 8),
        ("text", 0, 4, "Rain", "rain", 2),
        ("text", 13, 18, "match", "match", -2),
    ]


def test_evidence_is_bounded() -> None:
    terms = {f"term{number}": 1.0 for number in range(50)}
    (tag,) = tags(document(" ".join(terms)), flood(terms)).values()
    assert len(tag.evidence) == MAX_EVIDENCE


def test_just_at_the_threshold_confidence_is_half() -> None:
    tag = tags(document("Flood"), flood({"flood": 4}))["flood"]
    assert (tag.confidence, tag.relevance) == (0.5, 0.5)


def test_tags_come_in_the_order_of_the_attention_they_get() -> None:
    by = taxonomy(definition("flood", {"flood": 4}), definition("storm", {"storm": 4}))
    found = classify(document("Storm, flood", "Storm, storm."), by).tags
    assert [tag.id for tag in found] == ["storm", "flood"]
    assert found[0].relevance > found[1].relevance


def test_a_withdrawn_document_has_no_tags() -> None:
    classified = classify(document("Flood", status=Status.WITHDRAWN), flood({"flood": 4}))
    assert classified.tags == ()
    assert classified.title == "Flood"


def test_the_document_stays_as_it_was_and_names_the_taxonomy() -> None:
    read, by = document("Flood", "Rain.", meta={"desk": "7"}), flood({"flood": 4})
    classified = classify(read, by)
    assert EnrichedDocument.model_validate(classified.model_dump(by_alias=True)) == read
    assert ClassifiedDocument.model_validate_json(classified.model_dump_json()) == classified
    assert classified.taxonomy_version == by.version


def test_tags_of_dropped_text_are_told_and_not_given() -> None:
    removed = (
        Removed(reason=RemovedReason.PROMOTION, text="Read more: storm and flood"),
        Removed(reason=RemovedReason.CREDIT, text="Reporting by A. Writer"),
    )
    by = taxonomy(definition("flood", {"flood": 4}), definition("storm", {"storm": 4}))
    classified = classify(document("Flood in Kent", removed=removed), by)
    assert [tag.id for tag in classified.tags] == ["flood"]
    assert [block.tags_only_here for block in classified.removed] == [("storm",), ()]


def named(read: EnrichedDocument, *names: tuple[str, str]) -> EnrichedDocument:
    """The document with every mention of these (words, country), told as a city where the words begin with `City`."""
    places = []
    for words, code in names:
        mentions = []
        for field in ("title", *(f"highlights[{i}]" for i in range(len(read.highlights))), "dateline", "text"):
            text, start = text_at(read, field), -1
            while (start := text.find(words, start + 1)) >= 0:
                mentions.append(Mention(field=field, start=start, end=start + len(words)))
        kind = PlaceKind.CITY if words.startswith("City") else PlaceKind.COUNTRY
        places.append(Place(name=words, kind=kind, country=code, mentions=tuple(mentions), salience=0.5))
    return read.model_copy(update={"places": tuple(places)})


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(named(document("Vote in Libya"), ("Libya", "LY")), ["libya"], id="in the title"),
        pytest.param(named(document("Vote in City A"), ("City A", "LY")), ["libya"], id="a city for its country"),
        pytest.param(
            named(document(None, "City A and City B vote."), ("City A", "LY"), ("City B", "LY")),
            ["libya"],
            id="two cities of one country",
        ),
        pytest.param(named(document(None, FAR + "Libya voted once."), ("Libya", "LY")), [], id="in passing"),
        pytest.param(
            named(document("Libya votes", "Libya. Libya. Libya, unlike France."), ("Libya", "LY"), ("France", "FR")),
            ["libya"],
            id="beside a stronger one",
        ),
        pytest.param(
            named(document("Libya and France talk", "Libya. France."), ("Libya", "LY"), ("France", "FR")),
            ["france", "libya"],
            id="two of one weight",
        ),
        pytest.param(named(document("In Nowhere"), ("Nowhere", "ZZ")), [], id="a code that no country has"),
        pytest.param(
            named(document("Vote", dateline=Dateline(place="City A")), ("City A", "LY")),
            ["libya"],
            id="in the dateline alone, where nothing else names a country",
        ),
        pytest.param(
            named(document("France votes", dateline=Dateline(place="City A")), ("France", "FR"), ("City A", "LY")),
            ["france"],
            id="not in the dateline alone, where another country is named",
        ),
        pytest.param(
            named(
                document(None, FAR + "City B", dateline=Dateline(place="City A")), ("City A", "LY"), ("City B", "LY")
            ),
            ["libya"],
            id="in the dateline and once in the text",
        ),
    ],
)
def test_a_document_is_about_a_country(read: EnrichedDocument, expected: list[str]) -> None:
    assert sorted(tags(read, taxonomy())) == expected


def test_a_place_tag() -> None:
    read = named(document("Vote in Libya"), ("Libya", "LY"))
    tag = tags(read, taxonomy())["libya"]
    assert (tag.label, tag.kind) == ("Libya", TagKind.PLACE)
    assert tag.mappings == (Mapping(scheme="iso3166", id="LY"),)
    assert [(hit.term, hit.signal) for hit in tag.evidence] == [("Libya", "place")]


def test_the_evidence_of_a_dateline_comes_last_and_once() -> None:
    read = document(None, FAR + "Libya", dateline=Dateline(place="Tripoli, Libya"))
    tag = tags(named(read, ("Libya", "LY"), ("Tripoli", "LY")), taxonomy())["libya"]
    assert [(hit.field, hit.points) for hit in tag.evidence] == [("text", 1), ("dateline", 3)]


def test_a_country_that_the_text_names_often_gains_nothing_from_the_dateline() -> None:
    text = "Libya, Libya, Libya."
    (plain,) = classify(named(document(None, text), ("Libya", "LY")), taxonomy()).tags
    read = document(None, text, dateline=Dateline(place="City A"))
    assert classify(named(read, ("Libya", "LY"), ("City A", "LY")), taxonomy()).tags == (plain,)


def test_topics_are_not_read_in_a_dateline() -> None:
    assert tags(document("Calm", dateline=Dateline(place="Flood, Scotland")), flood({"flood": 9})) == {}


def test_a_mention_without_weight_makes_no_tag() -> None:
    rules = PlaceRules.model_validate({"threshold": 1, "share": 0.1, "weights": {"title": 0}})
    by = compile_taxonomy([], rules, load_gazetteer().countries)
    assert classify(named(document("Vote in Libya"), ("Libya", "LY")), by).tags == ()


SHIPPED_EXAMPLES = [
    pytest.param(each.id, example, kind == "match", id=f"{each.id} {kind} {example.title or example.text[:40]}")
    for each in load_definitions(SHIPPED)
    for kind, examples in (("match", each.examples.match), ("no_match", each.examples.no_match))
    for example in examples
]


@pytest.mark.parametrize(("tag", "example", "expected"), SHIPPED_EXAMPLES)
def test_a_shipped_definition_keeps_its_examples(tag: str, example: Example, expected: bool) -> None:
    found = tags(document(example.title, example.text), load_shipped())
    assert (tag in found) is expected, found.get(tag)


@pytest.mark.parametrize(
    ("title", "text", "never"),
    [
        pytest.param("Carmaker strikes deal", "The company strikes a deal on batteries.", "armed-conflict", id="deal"),
        pytest.param(
            "Bus drivers' strike enters second day",
            "The union bargains over wages with the bus company.",
            "armed-conflict",
            id="a bargaining strike",
        ),
        pytest.param("City's attack too strong", "The striker scored twice.", "terrorism", id="attack in sport"),
        pytest.param("Bomb cyclone hits coast", "Snow and wind closed roads.", "terrorism", id="bomb cyclone"),
        pytest.param("War on cancer", "A hospital fights cancer.", "armed-conflict", id="war on cancer"),
        pytest.param("Shooting a film in Rome", "Shooting of the film began.", "crime", id="shooting a film"),
        pytest.param("Striker on fire", "The striker was on fire again.", "accident", id="fire in football"),
        pytest.param("Club names transfer target", "The striker is their target.", "military", id="transfer target"),
        pytest.param(
            "Execution of plan praised", "The execution of the plan.", "human-rights", id="execution of a plan"
        ),
        pytest.param("Golf club holds board election", "Club members voted.", "elections", id="a club's board"),
        pytest.param("Battle for the title", "Both clubs battle for the title.", "armed-conflict", id="for a title"),
        pytest.param("Nintendo Switch 2 price", "It costs 450 dollars.", "economy", id="price of a console"),
        pytest.param("Counterterrorism as a university course", "", "counterterrorism", id="a university course"),
        pytest.param(
            "Surgery bombarded with calls",
            "Patients bombarded the clinic with calls; the army of callers had to wait.",
            "armed-conflict",
            id="bombarded with calls",
        ),
        pytest.param(
            "Clinic invites patients to a hearing test", "The hearing takes an hour.", "justice", id="a hearing test"
        ),
        pytest.param(
            "Gas explosion wrecks bakery",
            "The blast broke windows; neighbours thought of a bomb. The explosion was caused by a leak.",
            "terrorism",
            id="an explosion without an attacker",
        ),
        pytest.param(
            "UN chief condemns attack on market", "The United Nations condemned it.", "diplomacy", id="a condemnation"
        ),
        pytest.param(
            "Chain fined over customers' data",
            "It had kept personal data for years; the data was in old systems.",
            "cyber",
            id="data misused without intrusion",
        ),
        pytest.param(
            "Chain fined over customers' data", "It had kept data for years.", "science", id="data are no science"
        ),
        pytest.param(
            "University opens course", "The professor teaches at the university.", "science", id="a university's course"
        ),
        pytest.param(
            "New movie about terrorists", "A film about terrorists, starring two actors.", "terrorism", id="a film"
        ),
    ],
)
def test_near_misses(title: str, text: str, never: str) -> None:
    assert never not in tags(document(title, text), load_shipped())


def test_the_seed() -> None:
    raw = RawDocument(id="seed", source="test", body=SEED.read_text(encoding="utf-8"))
    classified = classify(enrich(clean(raw, received_at=RECEIVED), load_gazetteer()), load_shipped())
    topics = {tag.id for tag in classified.tags if tag.kind is TagKind.TOPIC}
    places = {tag.id: tag.relevance for tag in classified.tags if tag.kind is TagKind.PLACE}
    assert topics == {"counterterrorism", "armed-conflict", "military"}
    assert set(places) <= {"libya", "united-states"}
    assert places["libya"] > places.get("united-states", 0)


def load_shipped() -> Taxonomy:
    return _SHIPPED


_SHIPPED = load_taxonomy()

WORDS = st.sampled_from(
    [*_SHIPPED.definitions[0].terms, "flood of", "İstanbul", "ﬁre", "terrorist attack", "troops", "\n", "𝕏", "the"]
)
TEXTS = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join))


@given(title=st.none() | TEXTS, text=TEXTS, highlights=st.lists(TEXTS, max_size=2).map(tuple))
def test_what_holds_for_any_document(title: str | None, text: str, highlights: tuple[str, ...]) -> None:
    read = document(title, text, highlights=highlights)
    classified = classify(read, _SHIPPED)
    assert classified == classify(read, _SHIPPED)
    # Nothing is left to the validation that classify leaves out.
    assert ClassifiedDocument.model_validate_json(classified.model_dump_json()) == classified
    assert [tag.relevance for tag in classified.tags] == sorted(
        (tag.relevance for tag in classified.tags), reverse=True
    )
    for tag in classified.tags:
        assert 0 <= tag.relevance <= 1
        assert 0.5 <= tag.confidence <= 1
        for hit in tag.evidence:
            assert hit.term == text_at(read, hit.field)[hit.start : hit.end]
            assert fold(hit.term).startswith(fold(hit.signal).removesuffix("*"))
