"""A document or why there is none -> lines for a terminal. Document text is hostile: it never becomes markup."""

from collections.abc import Iterable
from typing import Final

from rich.text import Text

from schemas import headers
from schemas.documents import ClassifiedDocument, Tag, TagKind
from services.core.printable import plain
from services.kafka.records import Record, header

WORDS_SHOWN: Final = 4
STYLES: Final = {TagKind.TOPIC: "bold green", TagKind.PLACE: "bold cyan", TagKind.ORGANISATION: "bold magenta"}


def document_lines(document: ClassifiedDocument, *, note: str = "") -> Iterable[Text]:
    """Yield the title with a note before it, then a line for each tag with the words that earned it."""
    yield Text.assemble((f"{note}  " if note else "", "dim"), (plain(document.title or document.id), "bold"))
    for tag in document.tags:
        words = ", ".join(f"“{word}”" for word in _words(tag))
        yield Text.assemble("    ", (f"{tag.id:<18}", STYLES[tag.kind]), f" {tag.relevance:4.2f}  ", (words, "dim"))
    if not document.tags:
        yield Text("    no tags", style="dim")


def dead_letter_lines(record: Record, *, note: str = "") -> Iterable[Text]:
    """Yield the key with a note before it, then the reason and the message."""
    return rejection_lines(
        (record.key or b"").decode(errors="replace"),
        header(record.headers, headers.DLQ_REASON) or "unknown",
        header(record.headers, headers.DLT_MESSAGE) or "",
        note=note,
    )


def rejection_lines(name: str, reason: str, message: str, *, note: str = "") -> Iterable[Text]:
    """Yield the name with a note before it, then the reason and the message, without the name if it begins so."""
    yield Text.assemble((f"{note}  " if note else "", "dim"), (plain(name), "bold"))
    told = plain(message.removeprefix(f"{name}: "))
    yield Text.assemble("    ", (f"{reason:<18}", "bold red"), "       ", (told, "dim"))


def _words(tag: Tag) -> list[str]:
    words: dict[str, str] = {}
    for evidence in tag.evidence:
        if evidence.points > 0:
            words.setdefault(evidence.term.lower(), plain(evidence.term))
    return list(words.values())[:WORDS_SHOWN]
