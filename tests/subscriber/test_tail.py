"""What a subscriber sees: chosen by headers alone, shown without a risk for the terminal."""

import re
from datetime import UTC, datetime

import pytest

from schemas.documents import ClassifiedDocument, Evidence, Tag, TagKind
from services.kafka.records import Record
from services.subscriber.render import dead_letter_lines, document_lines, rejection_lines
from services.subscriber.tags import check_tags
from services.subscriber.tail import Filter


def record(headers: dict[str, str]) -> Record:
    named = tuple((name, value.encode()) for name, value in headers.items())
    return Record("documents.classified", 0, 0, 0, b"k", b"{}", (*named, ("ce_source", b"wire")))


@pytest.mark.parametrize(
    ("chosen", "headers", "passes"),
    [
        pytest.param(Filter(), {}, True, id="no wish"),
        pytest.param(Filter(tags=frozenset({"libya"})), {"tags": "libya,military"}, True, id="has the tag"),
        pytest.param(Filter(tags=frozenset({"libya"})), {"tags": "libyan-oil"}, False, id="no part of an id"),
        pytest.param(Filter(tags=frozenset({"a", "b"})), {"tags": "b"}, True, id="any of several tags"),
        pytest.param(Filter(tags=frozenset({"libya"})), {}, False, id="no tags header"),
        pytest.param(Filter(tags=frozenset({"libya"})), {"tags": ""}, False, id="no tags"),
        pytest.param(Filter(language="en"), {"language": "fr"}, False, id="another language"),
        pytest.param(Filter(language="PT-br"), {"language": "pt-BR"}, True, id="a language in another case"),
        pytest.param(Filter(language="en"), {}, False, id="no language"),
        pytest.param(Filter(source="wire"), {}, True, id="its source"),
        pytest.param(Filter(source="wire", language="fr"), {"language": "en"}, False, id="all wishes at once"),
        pytest.param(Filter(headers=(("x-desk", "mena"),)), {"x-desk": "mena"}, True, id="a header"),
        pytest.param(Filter(headers=(("x-desk", "mena"),)), {"x-desk": "asia"}, False, id="a header of other value"),
    ],
)
def test_a_record_passes_by_its_headers(chosen: Filter, headers: dict[str, str], passes: bool) -> None:
    assert chosen.passes(record(headers)) is passes


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        pytest.param(Filter(), "documents", id="all"),
        pytest.param(Filter(tags=frozenset({"sport", "libya"})), "documents with tag libya or sport", id="tags"),
        pytest.param(
            Filter(language="en", source="wire", headers=(("x", "y"),)),
            "documents with language en, source wire, x=y",
            id="more",
        ),
    ],
)
def test_a_filter_says_what_passes(chosen: Filter, words: str) -> None:
    assert str(chosen) == words


@pytest.mark.parametrize(
    ("tag", "hint"),
    [
        pytest.param("lybia", "did you mean libya?", id="letters that changed places"),
        pytest.param("Libya", "did you mean libya?", id="case"),
        pytest.param("Ivory Cost", "did you mean ivory-coast", id="a name"),
        pytest.param("armed-conflicts", "did you mean armed-conflict", id="a topic"),
        pytest.param("zzz", "topics are accident, agriculture,", id="nothing near"),
        pytest.param("ليبيا", "topics are ", id="another script"),
    ],
)
def test_a_tag_that_no_document_can_have_is_wrong_usage(tag: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"--tag {tag}: there is no such tag; {hint}")):
        check_tags(["sport", "libya", tag])


def test_a_document_is_shown_with_the_words_that_earned_its_tags() -> None:
    evidence = [
        Evidence(field="title", start=0, end=5, term="Libya", signal="place", points=3),
        Evidence(field="text", start=9, end=14, term="LIBYA", signal="place", points=1),
        Evidence(field="text", start=20, end=26, term="comedy", signal="comedy", points=-2),
    ]
    tag = Tag(id="libya", label="Libya", kind=TagKind.PLACE, relevance=0.5, confidence=0.5, evidence=tuple(evidence))
    document = ClassifiedDocument(
        id="d",
        source="s",
        title="[red]Libya\x1b[31m",
        text="",
        pipeline_version="1",
        received_at=datetime(2026, 1, 31, tzinfo=UTC),
        language="en",
        language_confidence=1,
        content_hash="0" * 64,
        taxonomy_version="1",
        tags=(tag,),
    )

    title, line = (str(line) for line in document_lines(document, note="12 ms"))

    assert title == "12 ms  [red]Libya[31m"
    assert line.split() == ["libya", "0.50", "“Libya”"]


def test_a_dead_letter_is_shown_with_its_reason() -> None:
    lines = dead_letter_lines(record({"dlq-reason": "not_text", "kafka_dlt-exception-message": "a JPEG"}))

    assert [str(line).split() for line in lines] == [["k"], ["not_text", "a", "JPEG"]]


def test_a_refusal_does_not_repeat_its_name() -> None:
    lines = rejection_lines("empty.txt", "empty_body", "empty.txt: the file is empty", note="  refused")

    assert [str(line) for line in lines] == [
        "  refused  empty.txt",
        "    empty_body               the file is empty",
    ]
