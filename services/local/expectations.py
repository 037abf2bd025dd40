"""What a seed should become: `NNN_slug.expected.yaml` beside it, and the comparison with what it became."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import yaml

from schemas.dead_letters import Reason
from schemas.documents import ClassifiedDocument, Dateline, Slug, Status
from schemas.taxonomy import Strict


class Expectation(Strict):
    """
    The judgement of a careful editor on one seed.

    A field that is absent is not compared, but for the tags: one that is neither in `tags` nor in `maybe` is wrong.
    """

    about: str
    """What this seed tests, in one sentence."""
    title: str | None = None
    """The whole title."""
    text_starts: str | None = None
    text_contains: tuple[str, ...] = ()
    """What must survive cleaning."""
    text_lacks: tuple[str, ...] = ()
    """Clutter that must be gone from the text."""
    highlights: tuple[str, ...] | None = None
    """All of them, in order."""
    dateline: Dateline | None = None
    """A part that is absent is not compared; nor is case, since agencies print the place in capitals."""
    published: date | None = None
    """Day of publication, in the offset that the document names."""
    language: str | None = None
    status: Status | None = None
    tags: tuple[Slug, ...] = ()
    """Tags that must be there."""
    maybe: tuple[Slug, ...] = ()
    """Tags on which fair editors differ."""
    never: tuple[Slug, ...] = ()
    """Tags that would be the tell-tale mistake. Any other tag is wrong as well; these name the trap."""
    places: tuple[str, ...] = ()
    """Countries, ISO 3166-1 alpha-2, that must be listed as mentioned; more may be."""
    places_never: tuple[str, ...] = ()
    """Countries that must not be listed: the `Jordan` that is a person."""
    rejected: Reason | None = None
    """The document ends with this reason instead of all above."""


def expectation_path(seed: Path) -> Path:
    return seed.with_suffix(".expected.yaml")


def load_expectation(seed: Path) -> Expectation | None:
    """Return what is expected of a seed, None where no expectation lies beside it."""
    path = expectation_path(seed)
    if not path.is_file():
        return None
    return Expectation.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def mismatches(expectation: Expectation, document: ClassifiedDocument) -> list[str]:
    """Return one sentence for each thing that is not as expected. `rejected` is the caller's to judge."""
    return [
        *_differences(expectation, document),
        *_text_mismatches(expectation, document.text),
        *_tag_mismatches(expectation, document),
        *_place_mismatches(expectation, document),
    ]


def _differences(expectation: Expectation, document: ClassifiedDocument) -> Iterator[str]:
    place, agency = _dateline(document.dateline)
    expected_place, expected_agency = _dateline(expectation.dateline)
    pairs = (
        ("title", expectation.title, document.title),
        ("highlights", expectation.highlights, document.highlights),
        ("dateline.place", expected_place, place),
        ("dateline.agency", expected_agency, agency),
        ("published", expectation.published, document.published_at and document.published_at.value.date()),
        ("language", expectation.language, document.language),
        ("status", expectation.status, document.status),
    )
    for name, expected, came in pairs:
        if expected is not None and came != expected:
            yield f"{name}: expected {_shown(expected)}, came {_shown(came)}"


def _dateline(dateline: Dateline | None) -> tuple[str | None, str | None]:
    place, agency = (dateline.place, dateline.agency) if dateline else (None, None)
    return place and place.casefold(), agency and agency.casefold()


def _text_mismatches(expectation: Expectation, text: str) -> Iterator[str]:
    if expectation.text_starts is not None and not text.startswith(expectation.text_starts):
        yield f"text: expected to start with {expectation.text_starts!r}, starts with {text[:100]!r}"
    for wanted in expectation.text_contains:
        if wanted not in text:
            yield f"text: lost {wanted!r}"
    for clutter in expectation.text_lacks:
        if clutter in text:
            yield f"text: still holds {clutter!r}"


def _tag_mismatches(expectation: Expectation, document: ClassifiedDocument) -> Iterator[str]:
    came = {tag.id: tag for tag in document.tags}
    for tag_id in expectation.tags:
        if tag_id not in came:
            yield f"tags: {tag_id} is missing, came {_shown(tuple(came))}"
    for tag_id, tag in came.items():
        if tag_id not in expectation.tags and tag_id not in expectation.maybe:
            trap = "the mistake this seed is here to catch" if tag_id in expectation.never else "not expected"
            terms = ", ".join(repr(evidence.term) for evidence in tag.evidence[:5])
            yield f"tags: {tag_id} is {trap}, earned by {terms}"


def _place_mismatches(expectation: Expectation, document: ClassifiedDocument) -> Iterator[str]:
    came = {place.country: place for place in document.places}
    for country in expectation.places:
        if country not in came:
            yield f"places: {country} is missing, came {_shown(tuple(came))}"
    for country in expectation.places_never:
        if country in came:
            yield f"places: {country} is not mentioned, but came as {came[country].name!r}"


def _shown(value: object) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, tuple):
        return ", ".join(str(part) for part in value)
    return repr(value) if isinstance(value, str) else str(value)
