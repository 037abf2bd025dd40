from datetime import UTC, datetime
from pathlib import Path

from schemas.documents import CleanDocument, EnrichedDocument, Status
from services.core.enrich import enrich
from services.core.fingerprint import content_hash, fingerprint
from services.core.gazetteer import load_gazetteer

SEED = Path(__file__).parents[2] / "seeds" / "000_2da34e0ed95bd839.txt"


def _clean(text: str, *, title: str | None = None, highlights: tuple[str, ...] = ()) -> CleanDocument:
    return CleanDocument(
        id="d1",
        source="test",
        title=title,
        text=text,
        highlights=highlights,
        language_hint="en-GB",
        pipeline_version="0",
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
        meta={"desk": "world"},
    )


def _seed() -> CleanDocument:
    lines = SEED.read_text(encoding="utf-8").splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("Washington (CNN)"))
    paragraphs = [line.strip() for line in lines[first:] if line.strip()]
    return _clean(
        "\n\n".join(paragraphs).removeprefix("Washington (CNN)"),
        title=lines[0],
        highlights=tuple(line.strip(" •") for line in lines if "•" in line),
    )


def test_every_field_of_the_clean_document_stays() -> None:
    document = _clean("The minister told reporters in Libya that nothing had been decided.", title="Libya")
    enriched = enrich(document, load_gazetteer())
    assert enriched.model_dump(include=set(CleanDocument.model_fields)) == document.model_dump()
    assert enriched.content_hash == content_hash(document.title, document.text)
    assert enriched.language == "en"
    assert [place.country for place in enriched.places] == ["LY"]
    assert (enriched.entities, enriched.keyphrases) == ((), ())


def test_a_withdrawn_document_has_no_language_no_places_and_no_fingerprint() -> None:
    document = _clean("").model_copy(update={"status": Status.WITHDRAWN})
    enriched = enrich(document, load_gazetteer())
    assert (enriched.language, enriched.language_confidence, enriched.places) == ("und", 0.0, ())
    assert enriched.fingerprint is None


def test_a_text_has_its_fingerprint_whatever_its_headline() -> None:
    seed = _seed()
    enriched = enrich(seed.model_copy(update={"title": "Another headline"}), load_gazetteer())
    assert enriched.fingerprint == fingerprint(seed.text) is not None


def test_enriching_again_gives_the_same() -> None:
    assert enrich(_seed(), load_gazetteer()) == enrich(_seed(), load_gazetteer())


def test_it_survives_its_way_through_json() -> None:
    enriched = enrich(_seed(), load_gazetteer())
    assert EnrichedDocument.model_validate_json(enriched.model_dump_json()) == enriched


def test_the_seed_is_about_libya_by_far() -> None:
    enriched = enrich(_seed(), load_gazetteer())
    salience = {place.country: place.salience for place in enriched.places if place.kind == "country"}
    assert enriched.language == "en"
    assert list(salience)[:2] == ["LY", "US"]
    assert set(salience) == {"LY", "US", "FR", "IT", "GB", "IQ", "SY"}
    assert salience["LY"] > 1.2 * salience["US"]
    assert max(salience[code] for code in ("FR", "IT", "GB", "IQ", "SY")) < 0.5 * salience["US"]
