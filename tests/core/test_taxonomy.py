import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.taxonomy import PlaceRules, TopicDefinition
from services.core.gazetteer import load_gazetteer
from services.core.taxonomy import (
    SHIPPED,
    TaxonomyError,
    compile_taxonomy,
    load_definitions,
    load_place_rules,
    load_taxonomy,
    shipped_routes,
)

PLACE_RULES = PlaceRules(threshold=4, share=0.34)

IDS_OF_THE_PROJECT = [
    "accident",
    "agriculture",
    "armed-conflict",
    "business",
    "corruption",
    "counterterrorism",
    "crime",
    "culture",
    "cyber",
    "diplomacy",
    "disaster",
    "economy",
    "education",
    "elections",
    "energy",
    "environment",
    "epidemic",
    "extremism",
    "health",
    "human-rights",
    "justice",
    "media",
    "migration",
    "military",
    "organised-crime",
    "politics",
    "protest",
    "religion",
    "sanctions",
    "science",
    "society",
    "sport",
    "technology",
    "terrorism",
    "transport",
]


def definition(tag: str = "flood", **fields: Any) -> TopicDefinition:
    return TopicDefinition.model_validate(
        {"id": tag, "label": "Flood", "description": "Floods.", "terms": {"flood*": 4}} | fields
    )


def version(*definitions: TopicDefinition, places: PlaceRules = PLACE_RULES) -> str:
    return compile_taxonomy(definitions, places, {}).version


def test_every_topic_of_the_project_is_shipped() -> None:
    assert [each.id for each in load_definitions(SHIPPED)] == IDS_OF_THE_PROJECT


def test_every_shipped_definition_shows_what_it_means() -> None:
    for each in load_definitions(SHIPPED):
        assert len(each.examples.match) >= 2, each.id
        assert len(each.examples.no_match) >= 2, each.id


def test_the_shipped_routes() -> None:
    assert load_taxonomy().routed == shipped_routes() == {"counterterrorism", "terrorism", "libya"}


def test_the_shipped_set_loads_quickly() -> None:
    countries = load_gazetteer().countries
    started = time.process_time()
    compile_taxonomy(load_definitions(SHIPPED), load_place_rules(SHIPPED), countries)
    assert time.process_time() - started < 0.5


def test_no_shipped_topic_has_the_name_of_a_country() -> None:
    slugs = {country.slug for country in load_gazetteer().countries.values()}
    assert slugs.isdisjoint(IDS_OF_THE_PROJECT)


GOOD = "id: flood\nlabel: Flood\ndescription: Floods.\nterms:\n  flood*: 4\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("id: [", r"flood\.yaml: no valid YAML: .*line 2", id="no YAML"),
        pytest.param("", r"flood\.yaml: file: ", id="empty file"),
        pytest.param(GOOD + "treshold: 3\n", r"flood\.yaml: treshold: Extra inputs", id="misspelt field"),
        pytest.param(GOOD.replace("label: Flood\n", ""), r"flood\.yaml: label: Field required", id="field missing"),
        pytest.param(
            GOOD.replace("4", "many"), r"flood\.yaml: terms\.flood\*: .*number.*'many'", id="points that are no number"
        ),
        pytest.param(GOOD + "threshold: 0\n", r"flood\.yaml: threshold: .*greater than 0, got '0'", id="no threshold"),
        pytest.param(GOOD.replace("flood*", "flo*d"), r"flood\.yaml: terms\.flo\*d", id="a star inside a phrase"),
        pytest.param(GOOD + "  flood*: 2\n", r"flood\.yaml: .*'flood\*' is there twice.*line 6", id="same key twice"),
        pytest.param(GOOD + "require: [[]]\n", r"flood\.yaml: require\.0", id="a group that nothing fulfils"),
        pytest.param(
            GOOD.replace("4", "3"), r"flood\.yaml: file: .*no term has 4 points", id="words that can never be enough"
        ),
        pytest.param(GOOD.replace("flood\n", "floods\n"), "expected 'flood' as the file is named", id="other id"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "flood.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(TaxonomyError, match=message):
        load_definitions(tmp_path)


def test_missing_place_rules_are_told(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"places\.yaml: expected in"):
        load_place_rules(tmp_path)


def test_place_rules_are_no_topic(tmp_path: Path) -> None:
    (tmp_path / "flood.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "places.yaml").write_text(yaml.safe_dump(PLACE_RULES.model_dump(mode="json")), encoding="utf-8")
    assert [each.id for each in load_definitions(tmp_path)] == ["flood"]
    assert load_place_rules(tmp_path) == PLACE_RULES


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        pytest.param([definition(), definition()], "id: 'flood' is there 2 times", id="id twice"),
        pytest.param([definition("libya")], r"libya\.yaml: id: 'libya' is the tag of a country", id="id of a country"),
        pytest.param(
            [definition(terms={"ISIS": 4, "isis": 2})], r"flood\.yaml: terms: 'isis' is there twice", id="term twice"
        ),
    ],
)
def test_definitions_that_contradict_each_other(definitions: list[TopicDefinition], message: str) -> None:
    with pytest.raises(TaxonomyError, match=message):
        compile_taxonomy(definitions, PLACE_RULES, load_gazetteer().countries)


def test_a_routed_country_must_exist() -> None:
    with pytest.raises(TaxonomyError, match=r"places\.yaml: routed: .*atlantis"):
        compile_taxonomy([], PLACE_RULES.model_copy(update={"routed": ("atlantis",)}), {})


def test_the_version_does_not_depend_on_any_order() -> None:
    one, other = definition(terms={"flood*": 4, "dam": 2}), definition("storm")
    assert version(one, other) == version(other, definition(terms={"dam": 2, "flood*": 4}))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"terms": {"flood*": 5}}, id="points"),
        pytest.param({"threshold": 19}, id="threshold"),
        pytest.param({"route": True}, id="route"),
        pytest.param({"label": "Floods"}, id="label"),
    ],
)
def test_the_version_changes_with_the_content(changed: dict[str, Any]) -> None:
    assert version(definition(**changed)) != version(definition())


def test_the_version_changes_with_the_place_rules() -> None:
    assert version(places=PLACE_RULES.model_copy(update={"threshold": 5.0})) != version()


def test_a_default_written_out_does_not_change_the_version() -> None:
    assert version(definition(cap=3)) == version(definition())
