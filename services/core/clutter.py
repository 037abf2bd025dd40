"""A block of text -> whether it is clutter by its own words, wherever it stands, and of which kind."""

import re
from collections.abc import Callable
from typing import Final

from schemas.documents import RemovedReason
from services.core.dateline import is_agency
from services.core.layout import ends_sentence

_LONGEST: Final = 400
"""Characters. A longer block holds more than clutter, so it is kept."""

# How sites lead to their other stories, in the languages of the news; alone on its line, or before a headline.
_POINTERS: Final = (
    r"(?:also|read|see|watch|learn) (?:also|more|next|now|read|see)|don[’']t miss|more (?:from|on|about) [^:.|]{1,40}",
    r"more (?:stories|news)|trending|most (?:read|popular|viewed|watched)|you may also like|editor[’']s picks",
    r"recommended(?: (?:articles?|stories|reading))?",
    r"related(?: (?:articles?|stor(?:y|ies)|coverage|content|topics?|news|links?))?",
    r"(?:[àa] )?(?:lire|voir) (?:aussi|[ée]galement)|sur le m[êe]me sujet|(?:articles )?(?:les )?plus lus",
    r"(?:lea|lee|ver|vea|mira|mire) (?:tambi[ée]n|m[áa]s)|(?:le|te) puede interesar|(?:lo )?m[áa]s (?:le[íi]do|visto)",
    r"m[áa]s noticias|noticias relacionadas|(?:leia|veja) (?:tamb[ée]m|mais)|saiba mais|(?:as )?mais lidas",
    r"(?:leggi|guarda) anche|potrebbe interessarti(?: anche)?|(?:i|le) pi[ùu] lett[ie]",
    r"(?:articoli|notizie) correlat[ie]",
    r"(?:lesen|sehen) sie (?:auch|mehr|dazu)|mehr zum thema|(?:das )?könnte sie auch interessieren|meistgelesen",
    r"auch interessant|lees (?:ook|meer|verder)|(?:meest|best) gelezen",
    r"czytaj (?:także|też|więcej)|zobacz (?:też|także)",
    r"читайте также|читать (?:далее|также)|по теме|самое читаемое|читайте також|ayrıca okuyun|ilgili haberler",
    r"اقرأ (?:أيضا|أيضاً|المزيد)|مواضيع ذات صلة|الأكثر قراءة",
)
_POINTER: Final = re.compile(rf"[\W_]{{0,4}}(?:{'|'.join(_POINTERS)})\s{{0,4}}(?:$|[:|>»–—])", re.IGNORECASE)
_PROMOTION: Final = re.compile(
    r"""
    (?:sign|signing)\ up\ (?:here|now|today|to|for)\b.{0,120}
        \b(?:newsletters?|alerts?|emails?|inbox|updates|free|here)\b
    | (?:sign\ up|subscribe|log\ in|follow\ us|share\ this(?:\ (?:article|story|page))?|continue\ reading|comments?
        | view\ comments|advertisement|story\ continues\ below(?:\ advertisement)?|sponsored|loading\.*)\s*[.!:]?$
    | subscribe\ (?:here|now|today|to)\b.{0,100}
        \b(?:newsletters?|channel|podcasts?|unlimited|access|alerts?|edition|here)\b
    | (?:follow|like|join)\ (?:us|him|her|them|@?\w+|[\w.]+\ [\w.]+)\ (?:on|@)\s?.{0,40}
        \b(?:twitter|x|facebook|instagram|whatsapp|telegram|youtube|linkedin|tiktok|threads|bluesky|google\ news)\b
    | (?:click|tap)\ here\ (?:to|for)\b
    | (?:download|get)\ (?:our|the)\ .{0,30}\bapp\b
    | (?:are\ you\ )?(?:enjoy|lik)(?:ing|ed|e)?\ (?:this|what|our|the)\ .{1,60}\?\s
        (?:subscribe|sign\ up|join|support|donate|follow|become)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CREDIT: Final = re.compile(
    r"""
    [(\[](?:additional\ |further\ )?(?:reporting|writing|editing|compiled)\ by\b
    | (?:©|\(c\)\ |copyright\ )\s?(?:©|\(c\))?\s?(?:\d{4}|by\b|the\ associated\ press|reuters|all\ rights)
    | (?:from\ )?staff\ (?:reports?|and\ wire\ reports?)$
    | (?:the|this)\ (?:material|content|article)\ (?:may\ not\ be|is\ protected\ by)\ (?:published|reproduced|copyright)
    | our\ standards:
    """,
    re.IGNORECASE | re.VERBOSE,
)
_RIGHTS_RESERVED: Final = re.compile(
    r"(?:all rights reserved|tous droits r[ée]serv[ée]s|(?:todos )?los derechos reservados|todos os direitos reservados"
    r"|alle rechte? vorbehalten|tutti i diritti(?: sono)? riservati|alle rechten voorbehouden|все права защищены"
    r"|wszelkie prawa zastrzeżone|tüm hakları saklıdır|جميع الحقوق محفوظة)[\W_]{0,4}$",
    re.IGNORECASE,
)
_LONGEST_RIGHTS: Final = 160
_WORKED_BY: Final = re.compile(
    r"[-–—*(\s]{0,4}(?:additional |further )?(?:reporting|writing|editing|compiled|translated) by (.*)", re.IGNORECASE
)
_BETWEEN_NAMES: Final = frozenset({"and", "by", "in", "at", "the", "for", "de", "van", "von", "al"})
_WORK: Final = frozenset({"additional", "reporting", "writing", "editing"})
_CONTRIBUTED: Final = re.compile(r"\bcontributed(?: reporting)? to this (?:report|story|article)\.?\)?$", re.IGNORECASE)
_CREDIT_WITHIN: Final = 50
"""Characters at the end of a block that hold the words by which rights are reserved, and who contributed."""
_CREDIT_ENDING: Final = re.compile("contributed|reserv|riserv|vorbehalten|voorbehouden")
"""One of these is in each of those that is in ASCII letters."""
_CAPTION: Final = re.compile(
    r"(?:file )?(?:photo|photograph|image|picture)s?(?: caption| credit| source)?\s?:"
    r"|file photo\b|(?:hide|toggle|enlarge|view) (?:caption|image|this image)"
    r"|(?:image|photo) (?:caption|source|copyright)\b"
    r"|\(?(?:getty images|ap photo|afp|reuters)\)?$",
    re.IGNORECASE,
)
_PICTURE_CREDIT: Final = re.compile(
    r"(?:\((?:photo|image|picture|credit|ap photo|file)\b[^()]{0,80}\)|/(?:getty images|afp|ap|reuters|epa)\)?"
    r"|\breuters/[^\W\d_]+(?: [^\W\d_]+){0,3}(?:/file(?: photo)?)?)$",
    re.IGNORECASE,
)
_RUNNING_TIME: Final = re.compile(r"(?:video |duration |running time )?\(?\d{1,2}:\d{2}(?::\d{2})?\)?$", re.IGNORECASE)
_SLUG: Final = re.compile(
    r"[\w.-]{1,60}(?:_\d{4,}|\.(?:jpe?g|png|gif|mp4|mov|cnn))$|[a-z]{2,12}(?: [a-z]{2,12}){0,3}_\d{4,}$", re.IGNORECASE
)
_END_MARK: Final = re.compile(
    r"[-–—]{1,2}\s?30\s?[-–—]{1,2}|[-–—(\[\s]{0,3}(?:ends?|fin|ende|schluss|fim|slut|koniec|конец)[-–—)\]\s.]{0,3}",
    re.IGNORECASE,
)
_SIGN_OFF: Final = re.compile(r"(?:\([^()]{1,20}\)\s?)?[^\W\d_]{2,8}(?:/[^\W\d_]{2,8}){1,4}\.?")
_STAMP: Final = re.compile(
    r"(?:(?:last |first )?(?:updated|published|posted|modified)\b|\d{1,2} min(?:ute)?s? read$)", re.IGNORECASE
)
_LABEL: Final = re.compile(
    r"(?:story )?highlights|(?:the )?key (?:points|takeaways|facts|developments)|at a glance"
    r"|in (?:brief|short)|the gist|(?:bullet|main) points|summary|what you need to know|takeaways",
    re.IGNORECASE,
)
_LONGEST_STAMP: Final = 90


def clutter(block: str) -> RemovedReason | None:
    """Return why a block of one line is no part of an article, or None: keep it. When unsure it is kept."""
    if len(block) > _LONGEST:
        return None
    for reason, matches in _TESTS:
        if matches(block):
            return reason
    return None


def is_pointer(block: str) -> bool:
    """Whether the block only announces other stories: `Most read`. What it announces stands behind it."""
    found = _POINTER.match(block)
    return found is not None and not any(map(str.isalnum, block[found.end() :]))


def is_sign_off(block: str) -> bool:
    """Whether the block, behind the last paragraph, marks the end: `-30-`, `(Schluss) MEP/hk/lw`, `REUTER`."""
    name = block.strip(" .()-–—")
    return bool(_END_MARK.fullmatch(block) or _SIGN_OFF.fullmatch(block)) or (" " not in name and is_agency(name))


def is_label(block: str) -> bool:
    """Whether the block only announces summary points: `Story highlights`."""
    return _LABEL.fullmatch(block.rstrip(" :")) is not None


def _is_credit(block: str) -> bool:
    return _ends_as_credit(block) or _CREDIT.match(block) is not None or _names_workers(block)


def _ends_as_credit(block: str) -> bool:
    ending = block[-_CREDIT_WITHIN:].lower()
    # Searching from each character takes long, and in ASCII these words tell where it would be for nothing.
    if ending.isascii() and not _CREDIT_ENDING.search(ending):
        return False
    start = max(0, len(block) - _CREDIT_WITHIN)
    reserved = len(block) <= _LONGEST_RIGHTS and _RIGHTS_RESERVED.search(block, start)
    return bool(reserved or _CONTRIBUTED.search(block, start))


def _names_workers(block: str) -> bool:
    """Whether it is `Reporting by Jane Doe; editing by John Roe`, and no sentence that begins so."""
    found = _WORKED_BY.match(block)
    if found is None:
        return False
    words = found[1].replace(";", " ").replace(",", " ").split()
    return all(not word[0].islower() or word in _BETWEEN_NAMES or word in _WORK for word in words)


def _is_running_time(block: str) -> bool:
    return ":" in block and _RUNNING_TIME.match(block) is not None


def _is_slug(block: str) -> bool:
    return ("_" in block or " " not in block) and _SLUG.match(block) is not None


def _is_caption(block: str) -> bool:
    # Every credit holds a slash or a bracket; looking for those first spares most blocks a search from each character.
    return bool(_CAPTION.match(block) or (("/" in block or ")" in block) and _PICTURE_CREDIT.search(block)))


def _is_stamp(block: str) -> bool:
    """Whether the block only says when it was published: `Updated 3:04 PM ET, Thu February 4, 2016`."""
    if len(block) > _LONGEST_STAMP or ends_sentence(block) or not _STAMP.match(block):
        return False
    return any(map(str.isdigit, block))


_TESTS: Final[tuple[tuple[RemovedReason, Callable[[str], object]], ...]] = (
    (RemovedReason.CREDIT, _is_credit),
    (RemovedReason.PROMOTION, _POINTER.match),
    (RemovedReason.PROMOTION, _PROMOTION.match),
    (RemovedReason.RUNNING_TIME, _is_running_time),
    (RemovedReason.SLUG, _is_slug),
    (RemovedReason.CAPTION, _is_caption),
    (RemovedReason.BOILERPLATE, _is_stamp),
)
