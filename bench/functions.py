"""
The functions that every system applies to a document: bytes in, bytes out, and nothing else.

Each system imports this in an environment of its own, so what a function needs is imported when it is asked for.
"""

import hashlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

Function = Callable[[bytes], bytes]

KEYWORDS: Final = "BENCH_KEYWORDS"
"""Environment variable: a JSON file of keyword -> tag, for `whole_job`."""
READ_FOR_LANGUAGE: Final = 1_000
"""Characters, as many as tagwire's own would be read at most."""


def load(name: str) -> Function:
    """Return the function of this name, with everything it needs loaded."""
    functions: dict[str, Callable[[], Function]] = {
        "annotate": lambda: annotate,
        "clean_page": _clean_page,
        "whole_job": lambda: _whole_job(is_fast=False),
        "whole_job_fast": lambda: _whole_job(is_fast=True),
    }
    return functions[name]()


def annotate(value: bytes) -> bytes:
    """Parse the envelope, settle its white space, count and hash its words: a small known cost, standard library."""
    document = json.loads(value)
    words = document["body"].split()
    text = " ".join(words)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**document, "body": text, "words": len(words), "sha256": digest}).encode()


def _clean_page() -> Function:
    """Return tagwire's own clean step on a page."""
    from schemas.documents import MediaType, RawDocument  # noqa: PLC0415
    from services.core.clean import clean  # noqa: PLC0415

    received_at = datetime(2026, 1, 1, tzinfo=UTC)

    def clean_page(value: bytes) -> bytes:
        document = RawDocument(id="page", source="bench", media_type=MediaType.HTML, body=value.decode())
        return clean(document, received_at=received_at).model_dump_json().encode()

    return clean_page


def _whole_job(*, is_fast: bool) -> Function:
    """
    Return the job of the tagwire worker as one would write it with libraries: main text, language, tags by keyword.

    trafilatura as it comes, with its metadata, or in its fast form without any; py3langid with normalised
    probabilities; all keywords of tagwire's own definitions and its countries in one Aho-Corasick pass.
    """
    import trafilatura  # noqa: PLC0415
    from ahocorasick_rs import AhoCorasick, MatchKind  # noqa: PLC0415
    from py3langid import langid  # type: ignore[import-not-found]  # noqa: PLC0415  # in the peer's environment only

    tags: dict[str, str] = json.loads(Path(os.environ[KEYWORDS]).read_text())
    keywords = AhoCorasick(list(tags), matchkind=MatchKind.LeftmostLongest)
    tag_of = list(tags.values())
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)

    def document_in(value: bytes) -> dict[str, Any]:
        if value.startswith(b"{"):
            document: dict[str, Any] = json.loads(value)
            return document
        found = trafilatura.bare_extraction(value, fast=is_fast, include_comments=False, with_metadata=not is_fast)
        metadata = {name: getattr(found, name, None) for name in ("title", "author", "date", "sitename")}
        return {**metadata, "body": getattr(found, "text", None) or ""}

    def whole_job(value: bytes) -> bytes:
        document = document_in(value)
        text = document["body"]
        language, confidence = identifier.classify(text[:READ_FOR_LANGUAGE])
        folded = text.lower()
        evidence: dict[str, list[tuple[int, int]]] = {}
        for keyword, start, end in keywords.find_matches_as_indexes(folded):
            if not folded[start - 1 : start].isalnum() and not folded[end : end + 1].isalnum():
                evidence.setdefault(tag_of[keyword], []).append((start, end))
        found = {"language": language, "confidence": float(confidence), "tags": evidence}
        return json.dumps({**document, "sha256": hashlib.sha256(text.encode()).hexdigest(), **found}).encode()

    return whole_job
