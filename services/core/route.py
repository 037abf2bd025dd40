"""ClassifiedDocument -> ids of the tags whose topics it goes to, besides `documents.classified`."""

from schemas.documents import ClassifiedDocument
from services.core.taxonomy import Taxonomy


def route(document: ClassifiedDocument, taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the document's tags that have a topic of their own, most relevant first."""
    return tuple(tag.id for tag in document.tags if tag.id in taxonomy.routed)
