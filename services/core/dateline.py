"""How a report opens: place, date and agency before its first sentence."""

import re
from typing import Final

from schemas.documents import Dateline
from services.core.layout import ends_sentence

_WITHIN: Final = 160
"""Characters in which a dateline ends."""
_MAX_PLACE_WORDS: Final = 5

# A hyphen needs a blank behind it, lest Port-au-Prince be split; EFE writes `.-`.
_DASH: Final = r"(?:\s[-–—―_]{1,3}(?=\s)|\.?-{1,3}(?=\s)|\s?(?:—|--))"
_AGENCY: Final = re.compile(r"\s?\(([^()\n]{2,40})\)")
_CODE: Final = re.compile(r"[A-Z]{2,6}")
"""An agency that no list knows: capitals."""
_MOST_CODED_WORDS: Final = 3
"""Words of a place before such an agency, where neither capitals nor a date mark it as one."""
_TELEX_MARKS: Final = re.compile(
    r"(?:\[(?:TEXT|EXCERPTS?|REPORT|ARTICLE|COMMENTARY|COMMUNIQUE|EDITORIAL|FEATURE|INTERVIEW|SPEECH|STATEMENT)\]\s*)+(?=\S)",
    re.IGNORECASE,
)
_DASH_HERE: Final = re.compile(_DASH)
_DASH_SOON: Final = re.compile(rf"[^()\n:;!?—–]{{2,80}}?(?={_DASH})")
_MONTH: Final = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|mai|maj|mag|ago|aoû|avr|dez|dic|déc|fév|fev|gen|giu"
    r"|jui|lug|mär|okt|ott|out|set)[^\W\d_]{0,7}\.?"
)
_DATE: Final = re.compile(
    rf",?\s(?:{_MONTH}\s\d{{1,2}}|\d{{1,2}}\.?\s(?:de\s)?{_MONTH})(?:,?\s(?:de\s)?\d{{2,4}})?$", re.IGNORECASE
)
_SMALL_WORDS: Final = frozenset(
    "of the de da do del della di du des la le les el al y e et and und am an der in near on upon".split()  # noqa: SIM905
)

_KNOWN: Final = frozenset(
    """
    aap acan afp ansa ap apa apn ats bbc belga bloomberg bta cbs cna cnbc cnn cnnmoney cp ctk dpa efe ians interfax irna
    itar jiji kuna kyodo lusa mena mti nbc notimex npr ntb pap pti reuter reuters ria ritzau rfe sid spa stt tanjug tass
    telam unian upi voa wam xinhua yonhap
    """.split()  # noqa: SIM905  # words read better as words
)
_KNOWN_LONG: Final = frozenset(
    {
        "abc news",
        "al jazeera",
        "associated press",
        "the associated press",
        "canadian press",
        "the canadian press",
        "fox news",
    }
)
# Capitals before a dash that are no place.
_NO_PLACE: Final = frozenset(
    """
    ANALYSIS BREAKING CIA CORRECTED CORRECTION EXCLUSIVE EXPLAINER FACTBOX FBI ISIL ISIS LIVE NASA NATO NEW NOTE OPEC
    OPINION PHOTOS REVIEW TIMELINE UPDATE USA VIDEO WATCH WHO
    """.split()  # noqa: SIM905
)


def split_dateline(paragraph: str) -> tuple[Dateline | None, str]:
    """
    Return the dateline with which the paragraph opens, and what follows it.

    `Washington (CNN)President …`, `LONDON (Reuters) - …`, `WASHINGTON, Feb 3 (Reuters) - …`, `MOSUL, Iraq — …`.
    Marks that a telex service sets behind it (`[TEXT]`) go with it.
    None where there is no dateline, or nothing behind it; then the paragraph comes back as it was.
    """
    for found in (_with_agency(paragraph), _with_place_only(paragraph)):
        if found is not None:
            dateline, end = found
            rest = paragraph[end:].lstrip(" \t-–—_:")
            if marks := _TELEX_MARKS.match(rest):
                rest = rest[marks.end() :]
            if any(map(str.isalnum, rest)):
                return dateline, rest
    return None, paragraph


def take_dateline(paragraphs: list[str], *, within: int) -> tuple[Dateline | None, list[str]]:
    """Return the first dateline among the first `within` paragraphs, and the paragraphs without it."""
    for index, paragraph in enumerate(paragraphs[:within]):
        dateline, rest = split_dateline(paragraph)
        if dateline is not None:
            return dateline, [*paragraphs[:index], rest, *paragraphs[index + 1 :]]
    return None, paragraphs


def is_agency(name: str) -> bool:
    """Whether it is an agency or broadcaster known by name, a second one or a desk behind it: `dpa/bb`."""
    lower = name.lower()
    return lower in _KNOWN_LONG or re.split(r"[\s/,-]", lower, maxsplit=1)[0] in _KNOWN


def _with_agency(paragraph: str) -> tuple[Dateline, int] | None:
    found = _AGENCY.search(paragraph, 0, _WITHIN)
    if found is None:
        return None
    place, dated = _without_date(paragraph[: found.start()].strip())
    agency = found[1].strip()
    if place and not _is_place(place):
        return None
    dash = _DASH_HERE.match(paragraph, found.end())
    end = (dash or found).end()
    if dash is not None:
        marked = dated or place.split(",")[0].isupper() or is_agency(agency)
        short = len(place.split()) <= _MOST_CODED_WORDS
        holds = marked or (short and _is_code(agency, place) and ends_sentence(paragraph))
    elif is_agency(agency):
        # Without a dash a sentence must begin behind it.
        begins = paragraph[end : end + 3].lstrip(" :")[:1]
        holds = begins != "" and not begins.islower()
    else:
        # Nobody but an agency has the next word glued to it.
        holds = paragraph[end : end + 1].isupper() and _is_code(agency, place)
    return (Dateline(place=place or None, agency=agency), end) if holds else None


def _with_place_only(paragraph: str) -> tuple[Dateline, int] | None:
    found = _DASH_SOON.match(paragraph, 0, _WITHIN)
    if found is None:
        return None
    place, dated = _without_date(found[0].strip())
    rest = paragraph[found.end() :].lstrip(" \t-–—_")
    if not place or not _is_place(place) or not rest or rest[0].islower():
        return None
    town = place.split(",")[0]
    if not town.isupper() or len(town) < 4 or town in _NO_PLACE:
        return None
    # In a text all in capitals they mark nothing: there a date has to stand by the place.
    if not dated and rest[:60].isupper():
        return None
    return Dateline(place=place), found.end()


def _without_date(opening: str) -> tuple[str, bool]:
    date = _DATE.search(opening)
    return (opening[: date.start()].rstrip(" ,"), True) if date else (opening, False)


def _is_place(text: str) -> bool:
    words = text.replace("/", " ").replace(",", " ").split()
    if not words or len(words) > _MAX_PLACE_WORDS or any(char.isdigit() for char in text):
        return False
    if words[0].lower() == "the" and words[1:2] not in (["Hague"], ["HAGUE"]):
        return False
    return all(not word[0].islower() or word in _SMALL_WORDS for word in words) and text[0].isalpha()


def _is_code(agency: str, place: str) -> bool:
    """Whether it is an agency's by its form: capitals, and not the place's own: `Paris Saint-Germain (PSG)`."""
    return bool(place and _CODE.fullmatch(agency)) and not set(agency) <= set(place.upper())
