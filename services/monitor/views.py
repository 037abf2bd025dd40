"""A snapshot and what came last -> the API's models."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.documents import ClassifiedDocument
from schemas.topics import DAY_MS, HOUR_MS
from services.core.lag import blocked, lost
from services.core.lag_status import SEVERITY, WRONG, Status
from services.dead_letters.listing import Group as Cause
from services.dead_letters.listing import letter_fields
from services.insights.view import View
from services.kafka.cluster import Member
from services.monitor import api
from services.monitor.heartbeats import Heartbeats
from services.monitor.journey import Journey
from services.monitor.recent import RecentDocument, RecentLetter
from services.monitor.roster import partitions_of, roster
from services.monitor.snapshot import GroupState, PartitionState, Snapshot, TopicState


def groups(snapshot: Snapshot, journey: Journey) -> api.Groups:
    return api.Groups(at_s=snapshot.at_s, groups=_worst_first(snapshot.groups.values(), journey))


def group_row(group: GroupState, journey: Journey) -> api.GroupRow:
    return api.GroupRow(**_group_fields(group, journey))


def group_detail(group: GroupState, journey: Journey) -> api.GroupDetail:
    return api.GroupDetail(
        **_group_fields(group, journey),
        partitions=[partition_row(each) for each in group.partitions],
        member_list=[member_row(group.name, each) for each in group.members],
    )


def partition_row(each: PartitionState) -> api.PartitionRow:
    now = each.now
    return api.PartitionRow(
        topic=each.topic,
        partition=each.number,
        committed=now.committed,
        low=now.low,
        end=now.end,
        high=now.high,
        lag=each.lag,
        lag_seconds=each.lag_s,
        blocked=blocked(now),
        lost=lost(now),
        owner=api.Owner(client_id=each.owner.client_id, host=each.owner.host) if each.owner else None,
        status=each.verdict.status,
        why=each.verdict.why,
    )


def member_row(group: str, member: Member) -> api.MemberRow:
    return api.MemberRow(group=group, client_id=member.client_id, host=member.host, partitions=partitions_of(member))


def history(snapshot: Snapshot, group: str, *, interval_s: float) -> api.History:
    points = [
        api.HistoryPoint(at_s=point.at_s, lag=point.lag, lag_seconds=point.lag_s, rate=point.rate)
        for point in snapshot.history.get(group, ())
    ]
    return api.History(group=group, interval_s=interval_s, points=points)


def topics(snapshot: Snapshot, journey: Journey) -> api.Topics:
    readers = _readers(snapshot)
    return api.Topics(
        at_s=snapshot.at_s,
        topics=[api.TopicRow(**_topic_fields(each, journey, readers)) for each in snapshot.topics.values()],
    )


def topic_detail(snapshot: Snapshot, topic: TopicState, journey: Journey) -> api.TopicDetail:
    ends = [
        api.PartitionEnds(partition=number, low=each.low, end=each.end, high=each.high)
        for number, each in topic.partitions.items()
    ]
    return api.TopicDetail(**_topic_fields(topic, journey, _readers(snapshot)), ends=ends)


def overview(
    snapshot: Snapshot,
    journey: Journey,
    letters: api.DeadLetterCount,
    heartbeats: Heartbeats,
    *,
    cluster: str,
    interval_s: float,
    problem: str | None,
    now_s: float,
    insights: View | None = None,
    changes: int = 0,
    is_writable: bool = False,
) -> api.Overview:
    readers = _readers(snapshot)
    near: list[GroupState] = []
    far: list[GroupState] = []
    for each in snapshot.groups.values():
        concerns_us = each.is_ours or any(topic in journey.topics for topic in each.topics)
        (near if concerns_us else far).append(each)
    ours = [each for each in near if each.is_ours]
    rows = [
        api.TopicRow(**_topic_fields(snapshot.topics.get(name) or TopicState(name, {}, None), journey, readers))
        for name in journey.topics
    ]
    return api.Overview(
        cluster=cluster,
        at_s=snapshot.at_s,
        age_s=max(0.0, now_s - snapshot.at_s),
        took_s=snapshot.took_s,
        interval_s=interval_s,
        problem=problem,
        errors=dict(snapshot.errors),
        is_well=problem is None
        and all(row.exists for row in rows)
        and not any(each.verdict.status in WRONG for each in ours),
        topics=rows,
        groups=_worst_first(near, journey),
        others=api.Others(groups=len(far), by_status=Counter(each.verdict.status for each in far)),
        workers=roster(ours, heartbeats.heard, at_s=heartbeats.read_at_s),
        dead_letters=letters,
        insights=insights and api.Insights(state=insights.state, changes=insights.changes, problem=insights.problem),
        changes=changes,
        is_writable=is_writable,
    )


def document_row(recent: RecentDocument) -> api.DocumentRow:
    document = recent.document
    return api.DocumentRow(
        id=document.id,
        title=document.title,
        source=document.source,
        url=document.url,
        language=document.language,
        published_at=_published(document),
        at_s=recent.at_ms / 1000,
        took_s=max(0.0, recent.at_ms / 1000 - document.received_at.timestamp()),
        position=recent.position,
        origin=recent.origin,
        tags=[api.TagRow(id=tag.id, label=tag.label, kind=tag.kind, relevance=tag.relevance) for tag in document.tags],
        taxonomy_version=document.taxonomy_version,
        pipeline_version=document.pipeline_version,
        is_whole=recent.is_whole,
    )


def dead_letter_count(letters: list[RecentLetter], *, most: int, now_ms: float) -> api.DeadLetterCount:
    """`letters` has the newest first."""
    died_ms = [each.letter.record.timestamp_ms for each in letters]
    return api.DeadLetterCount(
        kept=len(letters),
        last_hour=sum(each >= now_ms - HOUR_MS for each in died_ms),
        last_day=sum(each >= now_ms - DAY_MS for each in died_ms),
        is_more=len(letters) >= most,
        newest_at_s=died_ms[0] / 1000 if died_ms else None,
    )


def dead_letters(letters: list[RecentLetter], causes: list[Cause], count: api.DeadLetterCount) -> api.DeadLetters:
    return api.DeadLetters(
        **count.model_dump(),
        causes=[_cause_row(cause) for cause in causes],
        letters=[api.LetterRow(**letter_fields(each.letter)) for each in letters],
    )


def _cause_row(cause: Cause) -> api.CauseRow:
    letter = cause.newest
    return api.CauseRow(
        count=cause.count,
        reason=letter.reason,
        stage=letter.stage,
        fingerprint=letter.fingerprint,
        first_at_s=cause.first_ms / 1000,
        last_at_s=cause.last_ms / 1000,
        replayed=cause.replayed,
        message=letter.message,
        sample_position=letter.position,
    )


def _worst_first(found: Iterable[GroupState], journey: Journey) -> list[api.GroupRow]:
    ordered = sorted(found, key=lambda each: (-SEVERITY[each.verdict.status], not each.is_ours, each.name))
    return [group_row(each, journey) for each in ordered]


def _group_fields(group: GroupState, journey: Journey) -> dict[str, Any]:
    ours = journey.groups.get(group.name)
    return {
        "name": group.name,
        "state": group.state,
        "is_ours": group.is_ours,
        "stages": list(ours.stages) if ours else [],
        "topics": group.topics,
        "members": len(group.members),
        "lag": group.point.lag,
        "max_lag": group.max_lag,
        "lag_seconds": group.point.lag_s,
        "rate": group.point.rate,
        "status": group.verdict.status,
        "why": _why(group),
    }


def _why(group: GroupState) -> str:
    """Return a sentence on the whole group: of the worst partition where there is one, of all where they are well."""
    if group.verdict.status is Status.OK and group.point.lag:
        return f"{group.point.lag} offsets wait, and it moves"
    worst = [each for each in group.partitions if each.verdict.status is group.verdict.status]
    if not worst or group.verdict.status not in WRONG:
        return group.verdict.why
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    return f"{worst[0].topic} {worst[0].number}{more}: {worst[0].verdict.why}"


def _topic_fields(topic: TopicState, journey: Journey, readers: dict[str, list[str]]) -> dict[str, Any]:
    ours = journey.topics.get(topic.name)
    hidden = (
        each.high - each.end for each in topic.partitions.values() if each.high is not None and each.end is not None
    )
    return {
        "name": topic.name,
        "short_name": ours.name if ours else topic.name,
        "is_ours": ours is not None,
        "description": ours.description if ours else "",
        "exists": bool(topic.partitions),
        "partitions": len(topic.partitions),
        "held": topic.held,
        "blocked": sum(max(0, each) for each in hidden),
        "rate": topic.rate,
        "read_by": readers.get(topic.name, []),
    }


def _readers(snapshot: Snapshot) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for name, group in snapshot.groups.items():
        for topic in group.topics:
            readers.setdefault(topic, []).append(name)
    return readers


def _published(document: ClassifiedDocument) -> str | None:
    return str(document.published_at.value) if document.published_at else None
