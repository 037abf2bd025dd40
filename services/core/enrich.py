"""CleanDocument -> EnrichedDocument: language, places, content hash, fingerprint."""

from schemas.documents import CleanDocument, EnrichedDocument
from services.core.fingerprint import content_hash, fingerprint
from services.core.gazetteer import Gazetteer
from services.core.language import identify
from services.core.places import find_places


def enrich(document: CleanDocument, gazetteer: Gazetteer) -> EnrichedDocument:
    """Return the document with what can be read from it; every field it had stays as it was."""
    # The text first: a headline is short, and often in capitals or in another language's style.
    language, confidence = identify(
        "\n".join((document.text, *document.highlights, document.title or "")), document.language_hint
    )
    return EnrichedDocument(
        **dict(document),
        language=language,
        language_confidence=confidence,
        places=find_places(document, gazetteer),
        content_hash=content_hash(document.title, document.text),
        fingerprint=fingerprint(document.text),
    )
