"""A record in, the records it becomes out; no document can stop the partition."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import headers
from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument
from schemas.topics import CLASSIFIED, CLEAN, DEAD_LETTER, ENRICHED
from services.kafka.records import Record, header
from services.worker.flow import JOURNEY, Resources, Stage, StageName, load_resources, stages
from services.worker.transform import Plan, transform
from tests.articles import article

GROUP = "tagwire-clean-route"


@pytest.fixture(scope="module")
def resources() -> Resources:
    return load_resources()


def raw(value: bytes | None, key: bytes | None = b"k", **given: Any) -> Record:
    return Record("p.documents.raw", 3, 41, 1_700_000_000_000, key, value, **given)


def test_a_document_becomes_one_classified_record_and_one_for_each_routed_tag(resources: Resources) -> None:
    outcome = transform(raw(article(0)[1]), Plan(JOURNEY, GROUP), resources)

    classified, *routed = outcome.outputs
    document = ClassifiedDocument.model_validate_json(classified.value or b"")
    assert classified.topic == CLASSIFIED.name
    assert {output.topic for output in routed} == {
        f"tags.{tag.id}" for tag in document.tags if tag.id in resources.taxonomy.routed
    }
    assert routed
    assert all((output.value, output.headers) == (classified.value, classified.headers) for output in routed)
    assert header(classified.headers, headers.ORIGIN) == "p.documents.raw/3/41"
    assert outcome.reason is None


@pytest.mark.parametrize(
    ("run", "publish", "topics"),
    [
        pytest.param("clean-classify", (), [CLASSIFIED], id="only the last document is written"),
        pytest.param("clean-classify", ("clean", "enrich"), [CLEAN, ENRICHED, CLASSIFIED], id="others when asked"),
        pytest.param("clean", (), [CLEAN], id="a single stage writes its own"),
        pytest.param("clean-enrich", ("clean",), [CLEAN, ENRICHED], id="a part"),
    ],
)
def test_which_documents_are_written(
    run: str, publish: tuple[str, ...], topics: list[Any], resources: Resources
) -> None:
    plan = Plan(stages(run), GROUP, frozenset(StageName(name) for name in publish))

    outcome = transform(raw(article(1)[1]), plan, resources)

    assert [output.topic for output in outcome.outputs] == [topic.name for topic in topics]


def test_stages_apart_end_like_stages_fused(resources: Resources) -> None:
    fused = transform(raw(article(0)[1]), Plan(JOURNEY, GROUP), resources).outputs
    record = raw(article(0)[1])
    for run in ("clean", "enrich", "classify", "route"):
        plan = Plan(stages(run), f"tagwire-{run}-{run}")
        outputs = transform(record, plan, resources).outputs
        if run != "route":
            (output,) = outputs
            record = Record(output.topic, 0, 7, 1_800_000_000_000, output.key, output.value, output.headers)

    assert record.value == fused[0].value
    assert outputs == fused[1:]


def test_a_rejected_document_is_one_dead_letter(resources: Resources) -> None:
    outcome = transform(raw(b'{"id": "d", "body": "x"}'), Plan(JOURNEY, GROUP), resources)

    (letter,) = outcome.outputs
    assert letter.topic == DEAD_LETTER.name
    assert header(letter.headers, headers.DLQ_REASON) == "invalid_document"
    assert header(letter.headers, headers.DLQ_STAGE) == "clean"
    assert header(letter.headers, headers.DLT_GROUP) == GROUP
    assert (outcome.document_id, outcome.reason) == ("d", Reason.INVALID_DOCUMENT)


def test_a_bug_in_a_step_is_a_dead_letter_with_its_traceback(resources: Resources) -> None:
    def stumbles(document: Any, context: Any) -> Any:
        raise KeyError("no such country")

    clean, enrich, *_ = JOURNEY
    plan = Plan((clean, Stage(enrich.name, enrich.reads, stumbles, enrich.writes)), GROUP)

    outcome = transform(raw(article(2)[1]), plan, resources)

    (letter,) = outcome.outputs
    assert outcome.reason is Reason.STEP_FAILED
    assert header(letter.headers, headers.DLQ_STAGE) == "enrich"
    assert "stumbles" in (header(letter.headers, headers.DLT_STACKTRACE) or "")
    assert letter.value == article(2)[1]


@settings(max_examples=60, deadline=None)
@given(value=st.one_of(st.none(), st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_whatever_comes_something_findable_goes_out(value: bytes | None, resources: Resources) -> None:
    outcome = transform(raw(value), Plan(JOURNEY, GROUP), resources)

    assert outcome.outputs
    assert outcome.reason is not Reason.STEP_FAILED


def test_the_same_record_gives_the_same_outputs(resources: Resources) -> None:
    record = raw(orjson.dumps({"source": "x", "body": "Floods in Peru killed nine people, officials said on Monday."}))
    again = record._replace()

    plan = Plan(JOURNEY, GROUP)
    assert transform(record, plan, resources) == transform(again, plan, resources)
