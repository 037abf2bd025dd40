"""Title and text -> a hash that is equal for exact copies."""

import hashlib

from services.core.article import one_line


def content_hash(title: str | None, text: str) -> str:
    """
    Return the SHA-256 of title and text with case and white space settled, as 64 hexadecimal digits.

    A missing title and an empty one give the same hash. Where the title ends and the text begins counts.
    """
    # A lone surrogate may come out of JSON; UTF-8 cannot hold it, and a hash must not fail.
    return hashlib.sha256(f"{_settled(title or '')}\n{_settled(text)}".encode("utf-8", "surrogatepass")).hexdigest()


def _settled(text: str) -> str:
    # All white space counts the same; where only paragraphs are set apart, `one_line` need not take the text to pieces.
    return one_line(text.casefold().replace("\n\n", " "))
