"""The document after each stage of its journey: raw -> clean -> enriched -> classified."""

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EncodedBytes,
    EncoderProtocol,
    Field,
    NonNegativeInt,
    WithJsonSchema,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

MAX_ID_LENGTH: Final = 512

Share = Annotated[float, Field(ge=0, le=1)]
"""A number from 0 to 1."""

Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
"""Lower-case words joined by hyphens: `united-states`."""

DocumentId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH)]

FieldName = Annotated[str, Field(pattern=r"^(title|text|dateline|highlights\[\d+\])$")]
"""Where an offset points into: `title`, `text`, `highlights[i]`, or `dateline` for `dateline.place`."""


_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


def _rfc3339(value: object) -> object:
    # Pydantic takes numbers for seconds or milliseconds since 1970, by their size. A producer's slip is told, not read.
    if isinstance(value, int | float) or (isinstance(value, str) and not _RFC3339.fullmatch(value)):
        raise PydanticCustomError(
            "rfc3339", "Input should be an RFC 3339 date and time with its zone, such as 2026-01-31T08:00:00Z"
        )
    return value


Timestamp = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
"""RFC 3339 text on the wire, with its zone."""


def _texts_only(value: object) -> object:
    # Pydantic tells every error: a hostile map of a million numbers costs it seconds and gigabytes.
    if isinstance(value, dict):
        for name, text in value.items():
            if not isinstance(text, str):
                raise PydanticCustomError(
                    "texts_only",
                    "Input should be a map of texts, but {name} is none",
                    {"name": repr(name[:60] if isinstance(name, str) else type(name).__name__)},
                )
    return value


class StrictBase64(EncoderProtocol):
    """Base64 (RFC 4648, section 4), line breaks allowed; anything else is an error, where pydantic's skips it."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        try:
            return base64.b64decode(data.translate(None, b" \t\r\n"), validate=True)
        except binascii.Error as error:
            raise PydanticCustomError("base64", "Input should be base64: {error}", {"error": str(error)}) from error

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return base64.b64encode(value)

    @classmethod
    def get_json_format(cls) -> str:
        return "base64"


Base64Bytes = Annotated[
    bytes, EncodedBytes(encoder=StrictBase64), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]
"""Base64 text on the wire, decoded bytes in Python. The constructor, too, takes base64."""


class Model(BaseModel):
    """A frozen value. Readers ignore fields that they do not know, so a producer may be deployed first."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        validate_by_name=True,
        serialize_by_alias=True,
        allow_inf_nan=False,  # JSON cannot say them
    )


class MediaType(StrEnum):
    HTML = "text/html"
    PLAIN = "text/plain"


class Status(StrEnum):
    USABLE = "usable"
    WITHDRAWN = "withdrawn"


def _holds(name: str) -> JsonDict:
    return {"properties": {name: {"type": "string"}}, "required": [name]}


class RawDocument(Model):
    """A document as a feed producer found it, with all its site clutter."""

    # What `_has_one_body` checks, for those who validate with the exported schema.
    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                _holds("body"),
                _holds("body_base64"),
                {"properties": {"status": {"const": "withdrawn"}}, "required": ["status"]},
            ],
            "not": {"allOf": [_holds("body"), _holds("body_base64")]},
        }
    )

    id: DocumentId | None = None
    """Stable name of the document. Without it: the `ce_id` header, the record key, or one derived from the content."""
    source: Annotated[str, Field(min_length=1, max_length=512)]
    """Who delivers it: a feed, site or agency, as a URI or a short name."""
    url: Annotated[str, Field(max_length=4096)] | None = None
    """Where the page was found."""
    media_type: MediaType | None = None
    """None: found by looking at the body."""
    body: str | None = None
    """The page or text. Either this or `body_base64`."""
    body_base64: Base64Bytes | None = None
    """The page or text as bytes, where its encoding is not known for sure. In Python, the decoded bytes."""
    charset: Annotated[str, Field(max_length=64)] | None = None
    """Declared encoding of `body_base64`; it is checked, not trusted."""
    title: str | None = None
    """Headline, where the producer knows it."""
    language: Annotated[str, Field(max_length=35)] | None = None
    """BCP 47 hint."""
    published_at: Timestamp | None = None
    """When it was published, as far as the producer knows."""
    fetched_at: Timestamp | None = None
    """When the producer found it."""
    version: Annotated[int, Field(strict=True, ge=1, lt=2**53)] = 1
    """Rises with each correction of the same document."""
    status: Status = Status.USABLE
    """A withdrawn document passes through untagged and needs no body."""
    meta: Annotated[dict[str, str], BeforeValidator(_texts_only)] = {}
    """Carried through untouched."""

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if self.body is not None and self.body_base64 is not None:
            msg = "body and body_base64 exclude each other"
            raise ValueError(msg)
        if self.body is None and self.body_base64 is None and self.status is Status.USABLE:
            msg = "body or body_base64 is required"
            raise ValueError(msg)
        return self


class Dateline(Model):
    """Place and agency with which a report opens: `Washington (CNN)`."""

    place: str | None = None
    agency: str | None = None


class DateOrigin(StrEnum):
    """Which signal gave the publication date."""

    PRODUCER = "producer"
    PAGE = "page"


class PublishedAt(Model):
    value: AwareDatetime
    """A page often tells the day only: then midnight UTC."""
    origin: Annotated[DateOrigin, Field(alias="from")]


class RemovedReason(StrEnum):
    """Why cleaning dropped a block."""

    BOILERPLATE = "boilerplate"
    """Navigation, related links, cookie notices: what surrounds an article on its page."""
    CAPTION = "caption"
    """Words that belong to a picture or a video."""
    SLUG = "slug"
    """A file name or production mark."""
    RUNNING_TIME = "running_time"
    """How long a video takes."""
    REPEATED = "repeated"
    """Said before in the same document."""
    LABEL = "label"
    """A heading that only announces what follows: `Story highlights`."""
    PROMOTION = "promotion"
    """Read more, subscribe, follow us."""
    CREDIT = "credit"
    """Copyright, agency and contributor lines."""


class Removed(Model):
    """A block that cleaning dropped, and why."""

    reason: RemovedReason
    text: str
    """Cut after 200 characters."""
    tags_only_here: tuple[Slug, ...] = ()
    """Tags that this text alone would have earned. They are not given to the document."""


class CleanDocument(Model):
    """A document without its clutter."""

    id: DocumentId
    source: str
    url: str | None = None
    version: int = 1
    status: Status = Status.USABLE
    title: str | None = None
    text: str
    """Body only: paragraphs joined by a blank line; no title, no highlights. Empty when withdrawn."""
    highlights: tuple[str, ...] = ()
    """Summary points that the publisher put above the text."""
    byline: str | None = None
    dateline: Dateline | None = None
    published_at: PublishedAt | None = None
    site_name: str | None = None
    language_hint: str | None = None
    """What the producer or the page declared, BCP 47."""
    removed: tuple[Removed, ...] = ()
    pipeline_version: str
    """Version of tagwire that cleaned it."""
    received_at: AwareDatetime
    """When the raw record entered Kafka."""
    meta: dict[str, str] = {}


class Mention(Model):
    field: FieldName
    start: NonNegativeInt
    """Code points from the start of the field."""
    end: NonNegativeInt
    """Code points; the first one after the mention."""


class PlaceKind(StrEnum):
    COUNTRY = "country"
    CITY = "city"


class Place(Model):
    """A place that the document mentions. Whether the document is about it is told by `tags`."""

    name: str
    """Short English name."""
    kind: PlaceKind
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""
    geonames_id: int | None = None
    lat: float | None = None
    """Degrees, WGS 84."""
    lon: float | None = None
    """Degrees, WGS 84."""
    mentions: tuple[Mention, ...]
    """In reading order: title, highlights, dateline, text. Never empty."""
    salience: Share
    """How central the place is among those of the document."""


class EntityKind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class Entity(Model):
    """A person or an organisation that the document mentions."""

    name: str
    kind: EntityKind
    mentions: tuple[Mention, ...]
    salience: Share


class EnrichedDocument(CleanDocument):
    """A clean document with what can be read from it without judging its subject."""

    language: str
    """BCP 47; `und` when unsure."""
    language_confidence: Share
    places: tuple[Place, ...] = ()
    """Most salient first."""
    entities: tuple[Entity, ...] = ()
    """Most salient first. Empty in this version: no recogniser ships yet."""
    keyphrases: tuple[str, ...] = ()
    """Most telling first. Empty in this version."""
    content_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of title and text with case and white space settled: equal for exact copies."""
    fingerprint: str | None = None
    """
    Near-duplicate signature of the text: `mh1:` and base64. None: the text is too short for one.

    Two that begin alike up to the colon can be compared; see docs/contracts.md.
    """


class TagKind(StrEnum):
    TOPIC = "topic"
    PLACE = "place"
    ORGANISATION = "organisation"


class MappingMatch(StrEnum):
    """SKOS mapping relations."""

    EXACT = "exact"
    CLOSE = "close"
    BROAD = "broad"
    NARROW = "narrow"
    RELATED = "related"


class Mapping(Model):
    """The same idea in another vocabulary."""

    scheme: str
    """`iso3166`, `medtop` (IPTC Media Topics), `wikidata`."""
    id: str
    match: MappingMatch = MappingMatch.EXACT


class Evidence(Model):
    """Words that earned a tag."""

    field: FieldName
    start: NonNegativeInt
    """Code points from the start of the field."""
    end: NonNegativeInt
    term: str
    """Exactly the text found at `start:end`."""
    signal: str
    """What in the definition matched: the term as it is written there, or `place`."""
    points: float
    """What it added; negative where it spoke against the tag."""


class Tag(Model):
    id: Slug
    label: str
    kind: TagKind
    relevance: Share
    """How much of the document is about it, beside its other tags."""
    confidence: Share
    """How far beyond doubt the tag is; .5 just reaches the threshold."""
    mappings: tuple[Mapping, ...] = ()
    evidence: tuple[Evidence, ...]
    """Strongest first, the dateline's last. Never empty."""


class ClassifiedDocument(EnrichedDocument):
    """A document with the tags it earned and the words that earned them: what subscribers read."""

    tags: tuple[Tag, ...] = ()
    """Most relevant first."""
    taxonomy_version: str
    """Content hash of the definitions that gave the tags."""
