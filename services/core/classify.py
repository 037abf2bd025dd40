"""EnrichedDocument -> ClassifiedDocument: the topics and countries that it is about, with the words that say so."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from math import sqrt
from typing import Final, NamedTuple

from schemas.documents import (
    ClassifiedDocument,
    EnrichedDocument,
    Mapping,
    Removed,
    Status,
    Tag,
    TagKind,
)
from schemas.taxonomy import DECISIVE_POINTS, TopicDefinition
from services.core.matching import fold
from services.core.places import DATELINE
from services.core.taxonomy import Taxonomy, Term, by_zone

LEAD_CHARACTERS: Final = 600
"""A report says in its first two or three paragraphs what it is about."""

PLAIN_CHARACTERS: Final = 3000
"""A text of this length needs the threshold as it is written; most news reports have 2,000 to 4,000."""

MIN_STRETCH: Final = 0.6
"""The least that a threshold is multiplied with: a note of 1,000 characters needs as many points as one line."""

MAX_EVIDENCE: Final = 12
"""Per tag. More than this no one reads, and every subscriber pays for it."""

PLACE_SIGNAL: Final = "place"


class Zone(IntEnum):
    """Where in a document words stand."""

    TITLE = 0
    HIGHLIGHT = 1
    LEAD = 2
    BODY = 3
    DATELINE = 4
    """Names places only: topics are not read there."""


class Field(NamedTuple):
    """A text that evidence points into."""

    name: str
    text: str
    zone: Zone
    """Of its beginning: the text is lead first and body then."""


class Hit(NamedTuple):
    """Words that speak for or against a tag."""

    points: float
    signal: str
    field: int
    """Index into the fields."""
    start: int
    end: int


class Claim(NamedTuple):
    """A tag that is earned."""

    id: str
    label: str
    kind: TagKind
    mappings: tuple[Mapping, ...]
    strength: float
    """Points by those needed: 1 just reaches them."""
    hits: list[Hit]


def classify(document: EnrichedDocument, taxonomy: Taxonomy) -> ClassifiedDocument:
    """
    Return the document with its tags. A withdrawn one gets none.

    A topic's points: for each of its terms, the term's points x the weight of the field where it stands, over at most
    `cap` mentions, the best placed first. Needed are threshold x max(.6, sqrt(length / 3000)), for a long text collects
    some words of everything, and a short one has few of anything. One of its terms must be decisive, or `breadth` of
    them different: `data` said five times is no science. With strength = points / points needed, 1 or more:
    relevance = strength / (1 + strength of the strongest tag): tags compare by the attention that they get, and where
    the strongest is weak it stays near .5. Confidence = 1 - .5 ** strength.
    """
    if document.status is Status.WITHDRAWN:
        return _classified(document, (), document.removed, taxonomy)
    fields = _fields(document)
    stretch = _stretch(len(document.text))
    claims = [*_topics(fields[:-1], stretch, taxonomy), *_countries(document, fields, stretch, taxonomy)]
    claims.sort(key=lambda claim: (-claim.strength, claim.id))
    tags = tuple(_tag(claim, claims[0].strength, fields) for claim in claims)
    removed = _with_lost_tags(document.removed, {tag.id for tag in tags}, taxonomy)
    return _classified(document, tags, removed, taxonomy)


def _fields(document: EnrichedDocument) -> list[Field]:
    """Return the fields, the dateline last."""
    dateline = document.dateline.place if document.dateline else None
    return [
        Field("title", document.title or "", Zone.TITLE),
        *(Field(f"highlights[{i}]", text, Zone.HIGHLIGHT) for i, text in enumerate(document.highlights)),
        Field("text", document.text, Zone.LEAD),
        Field(DATELINE, dateline or "", Zone.DATELINE),
    ]


def _stretch(length: int) -> float:
    return max(MIN_STRETCH, sqrt(length / PLAIN_CHARACTERS))


def _topics(fields: Sequence[Field], stretch: float, taxonomy: Taxonomy) -> list[Claim]:
    """Return the topics that the fields earn."""
    found, early, mentions = _read(fields, taxonomy)
    points: dict[int, float] = {}
    for term, where in mentions.items():
        weights = taxonomy.weights[term.definition]
        if len(where) == 1:
            weight = weights[where[0][0]]
        else:
            # Best placed first; equally placed ones stay in reading order.
            where.sort(key=lambda mention: -weights[mention[0]])
            del where[taxonomy.definitions[term.definition].cap :]
            weight = sum([weights[mention[0]] for mention in where])
        points[term.definition] = points.get(term.definition, 0.0) + term.points * weight
    strengths = {
        number: strength
        for number, total in points.items()
        if (strength := total / (taxonomy.definitions[number].threshold * stretch)) >= 1
        and early.isdisjoint(taxonomy.exclude[number])
        and not any(found.isdisjoint(group) for group in taxonomy.require[number])
    }
    hits: dict[int, list[Hit]] = {number: [] for number in strengths}
    for term, where in mentions.items():
        if term.definition in strengths:
            weights = taxonomy.weights[term.definition]
            hits[term.definition] += [
                Hit(term.points * weights[zone], term.signal, field, start, end) for zone, field, start, end in where
            ]
    return [
        _topic(taxonomy.definitions[number], strength, hits[number])
        for number, strength in strengths.items()
        if _is_specific(taxonomy.definitions[number], hits[number])
    ]


def _is_specific(definition: TopicDefinition, hits: Iterable[Hit]) -> bool:
    """Tell words that stand for the topic from a few common ones that are said often."""
    signals = {hit.signal for hit in hits if hit.points > 0}
    return len(signals) >= definition.breadth or any(definition.terms[each] >= DECISIVE_POINTS for each in signals)


_Mention = tuple[Zone, int, int, int]
"""Zone, field, start and end. Plain, for there are hundreds in a document."""


def _read(fields: Sequence[Field], taxonomy: Taxonomy) -> tuple[set[int], set[int], dict[Term, list[_Mention]]]:
    """Return the phrases that occur, those of them before the body, and where each term stands."""
    found: set[int] = set()
    early: set[int] = set()
    mentions: dict[Term, list[_Mention]] = {}
    for field, (_, text, first_zone) in enumerate(fields):
        lead_end = LEAD_CHARACTERS if first_zone is Zone.LEAD else len(text)
        # In reading order, at each place the longest first; of equally long ones the phrase that says more.
        matches = sorted([(start, -end, phrase) for phrase, start, end in taxonomy.matcher.find(fold(text))])
        found.update([phrase for _, _, phrase in matches])
        early.update([phrase for start, _, phrase in matches if start < lead_end])
        ends: dict[int, int] = {}  # by definition, where its last phrase ends
        zone = first_zone
        for start, minus_end, phrase in matches:
            if start >= lead_end:
                zone = Zone.BODY
            for term in taxonomy.terms[phrase]:
                if start >= ends.get(term.definition, 0):
                    ends[term.definition] = -minus_end
                    if term.points:
                        mentions.setdefault(term, []).append((zone, field, start, -minus_end))
    return found, early, mentions


def _topic(definition: TopicDefinition, strength: float, hits: list[Hit]) -> Claim:
    return Claim(definition.id, definition.label, definition.kind, definition.mappings, strength, hits)


def _countries(document: EnrichedDocument, fields: Sequence[Field], stretch: float, taxonomy: Taxonomy) -> list[Claim]:
    """
    Return the countries that the document is about; a city speaks for its country.

    A country's points are the field weights of its mentions. The dateline tells where the reporter sat, so it only
    helps a country to the threshold that the rest names too seldom, or where the rest names none. Its strength is the
    weaker of two claims: points by the threshold, stretched as a topic's, and points by the share that is asked of the
    most mentioned country's points.
    """
    rules = taxonomy.place_rules
    weights = (*by_zone(rules.weights), rules.dateline)
    index = {field.name: number for number, field in enumerate(fields)}
    hits: dict[str, list[Hit]] = {}
    datelines: dict[str, Hit] = {}
    for place in document.places:
        for mention in place.mentions:
            field = index[mention.field]
            zone = _zone(fields[field].zone, mention.start)
            hit = Hit(weights[zone], PLACE_SIGNAL, field, mention.start, mention.end)
            if zone is Zone.DATELINE:
                datelines[place.country] = hit
            else:
                hits.setdefault(place.country, []).append(hit)
    needed = rules.threshold * stretch
    points = {code: sum(hit.points for hit in of_country) for code, of_country in hits.items()}
    heard = datelines.keys() & points.keys() if points else datelines.keys()
    for code in heard:
        if points.get(code, 0) < needed:
            points[code] = points.get(code, 0) + datelines[code].points
            hits.setdefault(code, []).append(datelines[code])
    most = max(points.values(), default=0.0)
    claims = []
    for code, of_country in hits.items():
        country = taxonomy.countries.get(code)
        if country is None or not points[code]:
            continue
        strength = min(points[code] / needed, points[code] / (rules.share * most))
        if strength >= 1:
            mappings = (Mapping(scheme="iso3166", id=code),)
            claims.append(Claim(country.slug, country.name, TagKind.PLACE, mappings, strength, of_country))
    return claims


def _zone(first: Zone, start: int) -> Zone:
    return Zone.BODY if first is Zone.LEAD and start >= LEAD_CHARACTERS else first


def _tag(claim: Claim, strongest: float, fields: Sequence[Field]) -> Tag:
    hits = sorted(
        claim.hits, key=lambda hit: (fields[hit.field].zone is Zone.DATELINE, -hit.points, hit.field, hit.start)
    )
    # Validating a whole tag at once takes half the time of making its evidence piece by piece.
    return Tag.model_validate(
        {
            "id": claim.id,
            "label": claim.label,
            "kind": claim.kind,
            "relevance": round(claim.strength / (1 + strongest), 4),
            "confidence": round(1 - 0.5**claim.strength, 4),
            "mappings": claim.mappings,
            "evidence": [
                {
                    "field": fields[field].name,
                    "start": start,
                    "end": end,
                    "term": fields[field].text[start:end],
                    "signal": signal,
                    "points": points,
                }
                for points, signal, field, start, end in hits[:MAX_EVIDENCE]
            ],
        }
    )


def _with_lost_tags(removed: Iterable[Removed], given: set[str], taxonomy: Taxonomy) -> tuple[Removed, ...]:
    """Return the blocks with the topics that each would earn as a title, and the document has not."""
    blocks = []
    for block in removed:
        earned = {claim.id for claim in _topics([Field("title", block.text, Zone.TITLE)], MIN_STRETCH, taxonomy)}
        lost = tuple(sorted(earned - given))
        blocks.append(block.model_copy(update={"tags_only_here": lost}) if lost != block.tags_only_here else block)
    return tuple(blocks)


def _classified(
    document: EnrichedDocument, tags: tuple[Tag, ...], removed: tuple[Removed, ...], taxonomy: Taxonomy
) -> ClassifiedDocument:
    # The fields of a document are valid already, and validating them again would take longer than classifying it.
    return ClassifiedDocument.model_construct(
        **{**dict(document), "removed": removed, "tags": tags, "taxonomy_version": taxonomy.version}
    )
