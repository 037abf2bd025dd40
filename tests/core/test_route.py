XX COUNTRIES, definition, document, mention, place

from schemas.documents import Status
from schemas.taxonomy import PlaceRules
from services.core.classify import classify
from services.core.route import route
from services.core.taxonomy import compile_taxonomy

TAXONOMY = compile_taxonomy(
    [definition("flood", {"flood*": 4}, route=True), definition("storm", {"storm*": 4})],
    PlaceRules(threshold=1, share=0.3, routed=("libya",)),
    COUNTRIES,
)


def test_a_document_goes_where_its_routed_tags_are() -> None:
    read = document("Flood and storm in Libya", places=(place("LY", mention("title", 19, 24)),))
    classified = classify(read, TAXONOMY)
    assert {tag.id for tag in classified.tags} == {"flood", "storm", "libya"}
    assert sorted(route(classified, TAXONOMY)) == ["flood", "libya"]


def test_a_document_without_tags_goes_nowhere() -> None:
    assert route(classify(document("Quiet day"), TAXONOMY), TAXONOMY) == ()


def test_a_withdrawn_document_goes_nowhere() -> None:
    classified = classify(document("Flood", status=Status.WITHDRAWN), TAXONOMY)
    assert route(classified, TAXONOMY) == ()
