"""The journey of a document as one table: raw -> clean -> enrich -> classify -> route."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from schemas.documents import ClassifiedDocument, CleanDocument, EnrichedDocument, RawDocument
from schemas.topics import CLASSIFIED, CLEAN, ENRICHED, RAW, Topic
from services.core.classify import classify
from services.core.clean import clean
from services.core.enrich import enrich
from services.core.gazetteer import Gazetteer, load_gazetteer
from services.core.route import route
from services.core.taxonomy import Taxonomy, load_taxonomy


class StageName(StrEnum):
    CLEAN = "clean"
    ENRICH = "enrich"
    CLASSIFY = "classify"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class Resources:
    """What the steps look things up in: large, immutable, loaded once per process."""

    gazetteer: Gazetteer
    taxonomy: Taxonomy


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may know beside its document."""

    resources: Resources
    received_at: datetime
    """When the raw record entered Kafka."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the journey."""

    name: StageName
    reads: Topic
    step: Callable[[Any, Context], Any]
    """A document of the topic that it reads -> one of the topic that it writes. Raises Rejected."""
    writes: Topic | None
    """None: `route` returns tag ids, and the document goes to their topics as it is."""


def _clean(document: RawDocument, context: Context) -> CleanDocument:
    return clean(document, received_at=context.received_at)


def _enrich(document: CleanDocument, context: Context) -> EnrichedDocument:
    return enrich(document, context.resources.gazetteer)


def _classify(document: EnrichedDocument, context: Context) -> ClassifiedDocument:
    return classify(document, context.resources.taxonomy)


def _route(document: ClassifiedDocument, context: Context) -> tuple[str, ...]:
    return route(document, context.resources.taxonomy)


JOURNEY: Final = (
    Stage(StageName.CLEAN, RAW, _clean, CLEAN),
    Stage(StageName.ENRICH, CLEAN, _enrich, ENRICHED),
    Stage(StageName.CLASSIFY, ENRICHED, _classify, CLASSIFIED),
    Stage(StageName.ROUTE, CLASSIFIED, _route, None),
)


def load_resources() -> Resources:
    """Load what the steps look things up in; takes about a second."""
    return Resources(load_gazetteer(), load_taxonomy())


def process(document: RawDocument, resources: Resources, *, received_at: datetime) -> ClassifiedDocument:
    """Take one document the whole way, without Kafka. Raises Rejected. `document.id` must be set."""
    context = Context(resources, received_at)
    return _classify(_enrich(_clean(document, context), context), context)


def stages(text: str) -> tuple[Stage, ...]:
    """
    Return the contiguous run of stages that a text names: `clean`, or `enrich-route` for a first and a last.

    Raises ValueError with the possible names.
    """
    names = [stage.name.value for stage in JOURNEY]
    first, dash, last = text.partition("-")
    last = last if dash else first
    if first in names and last in names[names.index(first) :]:
        return JOURNEY[names.index(first) : names.index(last) + 1]
    raise ValueError(f"'{text}' is no run of stages: give one of {', '.join(names)}, or first-last as in enrich-route")
