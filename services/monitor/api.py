"""What the JSON API says, as models. Times that end in `_s` are seconds since 1970, in UTC."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from schemas.documents import DocumentId
from services.core.lag_status import Status
from services.insights.view import State
from services.monitor.where import Verdict
from services.telemetry.openapi import Answer


class Owner(Answer):
    client_id: str
    host: str


class PartitionRow(Answer):
    topic: str
    partition: int
    committed: int | None
    """Next offset that the group will read. null: nothing was ever committed."""
    low: int | None
    """First offset that is kept. null, here and below: not known."""
    end: int | None
    """Last stable offset: where a read-committed reader ends."""
    high: int | None
    """High watermark."""
    lag: int | None
    lag_seconds: float | None
    """For how long the first unread record has been waiting; 0 when drained."""
    blocked: int
    """Offsets that an open transaction hides."""
    lost: int
    """Offsets that were deleted before they were read."""
    owner: Owner | None
    status: Status
    why: str


class GroupRow(Answer):
    name: str
    state: str
    """As the broker calls it; `Missing`: a group of ours that no worker has joined yet."""
    is_ours: bool
    stages: list[str]
    """What it does, if it is ours."""
    topics: list[str]
    members: int
    lag: int
    """Sum of what is known."""
    max_lag: int
    lag_seconds: float | None
    """Of the partition that waits longest."""
    rate: float | None
    """Offsets a second that it moves on, over the last minute. null: not known yet."""
    status: Status
    """The worst of its partitions'."""
    why: str


class MemberRow(Answer):
    group: str
    client_id: str
    host: str
    partitions: dict[str, list[int]]
    """By topic."""


class HeartbeatRow(Answer):
    """What a worker has said of itself in the topic `workers`."""

    host: str
    """Name of its machine or container."""
    pid: int
    stages: list[str]
    states: dict[str, list[int]]
    """State of a lane -> the partitions that are in it."""
    tagwire_version: str
    pipeline_version: str
    taxonomy_version: str
    """Of the definitions that it gives tags by."""
    http_address: str | None
    """Where it serves health and metrics. null: nowhere."""
    children: int
    child_restarts: int
    documents: int
    """Since its start, as are dead letters."""
    dead_letters: int
    started_at_s: float
    uptime_s: float
    """When it said so."""
    age_s: float
    """Of what it said, when the cluster was last looked at."""
    is_silent: bool
    """It has said nothing for three of its intervals."""
    why: str
    """A sentence, where it is silent."""


class WorkerRow(MemberRow):
    """A member of a group of ours, or a worker that is heard of and no member: just started, or silent."""

    is_member: bool
    heartbeat: HeartbeatRow | None
    """null: it says nothing of itself, or the topic `workers` is missing; it is known from its group only."""


class GroupDetail(GroupRow):
    partitions: list[PartitionRow]
    member_list: list[MemberRow]


class HistoryPoint(Answer):
    at_s: float
    lag: int
    lag_seconds: float | None
    rate: float | None


class History(Answer):
    group: str
    interval_s: float
    points: list[HistoryPoint]
    """Oldest first."""


class PartitionEnds(Answer):
    partition: int
    low: int | None
    end: int | None
    high: int | None


class TopicRow(Answer):
    name: str
    short_name: str
    """Without the installation's prefix, if it is ours."""
    is_ours: bool
    description: str
    """Of a topic of ours."""
    exists: bool
    partitions: int
    held: int
    """Offsets that are kept, transaction markers among them."""
    blocked: int
    rate: float | None
    """Offsets a second that it grows by, over the last minute."""
    read_by: list[str]
    """Groups."""


class TopicDetail(TopicRow):
    ends: list[PartitionEnds]


class DeadLetterCount(Answer):
    kept: int
    """How many the monitor has in memory; the topic may hold more."""
    last_hour: int
    last_day: int
    is_more: bool
    """Whether there may be more than the monitor has kept."""
    newest_at_s: float | None


class Others(Answer):
    groups: int
    by_status: dict[Status, int]


class Insights(Answer):
    state: State
    changes: int
    """Another number when they have said something new."""
    problem: str | None
    """Why nothing is known of them, or what is known may be old."""


class Overview(Answer):
    cluster: str
    at_s: float
    """When the cluster was last looked at."""
    age_s: float
    took_s: float
    interval_s: float
    problem: str | None
    """Why this should not be trusted: no look went well lately."""
    errors: dict[str, str]
    """Group, or `broker 1` -> why it could not be read."""
    is_well: bool
    """Whether no group of ours is ABANDONED or worse, and no topic of the journey is missing."""
    topics: list[TopicRow]
    """Ours, in the order of the journey."""
    groups: list[GroupRow]
    """Ours, and whoever reads a topic of ours; the worst first."""
    others: Others
    """Groups that have nothing to do with us."""
    workers: list[WorkerRow]
    """Of groups of ours."""
    dead_letters: DeadLetterCount
    insights: Insights | None
    """null: nobody follows them here."""
    changes: int
    """Rises when there are new documents or dead letters among the latest."""
    is_writable: bool
    """Whether dead letters can be put back from here: the monitor has a token."""


class Groups(Answer):
    at_s: float
    groups: list[GroupRow]
    """The worst first."""


class Topics(Answer):
    at_s: float
    topics: list[TopicRow]


class TagRow(Answer):
    id: str
    label: str
    kind: str
    relevance: float


class DocumentRow(Answer):
    id: str
    title: str | None
    source: str
    url: str | None
    language: str | None
    published_at: str | None
    at_s: float
    """When it was classified."""
    took_s: float
    """From the raw record's timestamp to the classified one's."""
    position: str
    """`topic/partition/offset`: below `/api/v1/documents/` is all of it."""
    origin: str
    """Position of the raw record."""
    tags: list[TagRow]
    taxonomy_version: str
    """Of the definitions that gave the tags."""
    pipeline_version: str
    is_whole: bool
    """False: too large to be kept by the monitor."""


class Documents(Answer):
    documents: list[DocumentRow]
    """Newest first."""


class Original(Answer):
    position: str
    time: str
    consumer_group: str | None


class LetterRow(Answer):
    id: str | None
    position: str
    """Below `/api/v1/dead-letters/` is all of it."""
    died: str
    reason: str
    stage: str
    fingerprint: str
    message: str
    replays: int
    original: Original | None
    size_bytes: int | None


class CauseRow(Answer):
    count: int
    reason: str
    stage: str
    fingerprint: str
    first_at_s: float
    last_at_s: float
    replayed: int
    message: str
    sample_position: str


class DeadLetters(DeadLetterCount):
    causes: list[CauseRow]
    """Those kept, by what they have in common; the most frequent first."""
    letters: list[LetterRow]
    """Newest first."""


class LetterDetail(LetterRow):
    exception: str | None
    stacktrace: str | None
    key: str | None
    headers: list[tuple[str, str | None]]
    body_start: str | None


class WhereRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    id: DocumentId
    """Of the document, letter by letter."""
    since: str = ""
    """Only records from then on: RFC 3339, or `30m`, `2h`, `3d` ago. Empty: all that are kept."""


class StopRow(Answer):
    at_s: float
    """The record's timestamp."""
    topic: str
    partition: int
    offset: int
    position: str
    """`topic/partition/offset`, by which a document or a dead letter may be had."""
    verdict: Verdict
    message: str
    """What waits before it, its tags, or why it died."""
    origin: str | None
    """Position of the raw record that it came from. null: it is one, or nobody has noted it."""


class Where(Answer):
    id: str
    summary: str
    """What was found, or where nothing was, in a sentence."""
    took_s: float
    is_more: bool
    """Whether there may be earlier records than these."""
    stops: list[StopRow]
    """Every record of the document that is kept, oldest first."""


class RedriveRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    ids: list[str] = []
    """Of documents. What is left empty, here and below, asks nothing; at least one must not be."""
    reasons: list[str] = []
    fingerprints: list[str] = []
    is_dry: bool = True
    """Send nothing: only say what would pass."""
    send_all: bool = False
    """Send also what would die again, or come behind a newer version."""


class CandidateRow(Answer):
    id: str
    position: str
    reason: str
    replays: int
    fate: str
    now: dict[str, Any] | None
    overtaken_by: int | None


class RedriveReport(Answer):
    summary: list[str]
    sent: int
    is_dry: bool
    candidates: list[CandidateRow]
