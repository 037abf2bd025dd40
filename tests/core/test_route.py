from datetime import UTC, datetime

import pytest

from schemas.documents import ClassifiedDocument, Evidence, Status, Tag, TagKind
from schemas.taxonomy import PlaceRules, TopicDefinition
from services.core.gazetteer import load_gazetteer
from services.core.route import route
from services.core.taxonomy import compile_taxonomy

TAXONOMY = compile_taxonomy(
    [
        TopicDefinition(id=tag, label=tag, description=tag, terms={tag: 4}, route=routed)
        for tag, routed in (("flood", True), ("storm", False))
    ],
    PlaceRules(threshold=4, share=0.34, routed=("libya",)),
    load_gazetteer().countries,
)


def tagged(*tags: str) -> ClassifiedDocument:
    evidence = (Evidence(field="text", start=0, end=1, term="x", signal="x", points=4),)
    return ClassifiedDocument(
        id="d1",
        source="test",
        text="x",
        pipeline_version="0",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        status=Status.USABLE,
        taxonomy_version=TAXONOMY.version,
        tags=tuple(
            Tag(id=tag, label=tag, kind=TagKind.TOPIC, relevance=0.5, confidence=0.5, evidence=evidence) for tag in tags
        ),
    )


@pytest.mark.parametrize(
    ("tags", "routes"),
    [
        pytest.param(["libya", "storm", "flood"], ("libya", "flood"), id="in the order of the tags"),
        pytest.param(["storm"], (), id="a tag without a topic"),
        pytest.param([], (), id="no tags"),
        pytest.param(["france"], (), id="a country that is not routed"),
    ],
)
def test_a_document_goes_where_its_routed_tags_are(tags: list[str], routes: tuple[str, ...]) -> None:
    assert route(tagged(*tags), TAXONOMY) == routes
