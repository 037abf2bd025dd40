"""Members of groups and heartbeats -> who works: each worker once, with all that is known of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from services.kafka.cluster import Member
from services.monitor import api
from services.monitor.heartbeats import Heard
from services.monitor.snapshot import GroupState

SILENT_INTERVALS: Final = 3
"""Without a heartbeat for so many intervals a worker is silent. One may be late, two are bad luck."""


def roster(groups: Iterable[GroupState], heard: Mapping[str, Heard], *, at_s: float) -> list[api.WorkerRow]:
    """
    Return the workers of these groups: members in their order, then those that are heard of and no members.

    A heartbeat is a member's whose client id is the worker's. `at_s` is when both were looked at.
    """
    members = {group.name: group.members for group in groups}
    names = {member.client_id for group in members.values() for member in group}
    strangers = [each for name, each in sorted(heard.items()) if name not in names and each.heartbeat.group in members]
    return [
        *(
            _of_member(group, member, heard.get(member.client_id), at_s)
            for group in members
            for member in members[group]
        ),
        *(_of_no_member(each, members[each.heartbeat.group], at_s) for each in strangers),
    ]


def partitions_of(member: Member) -> dict[str, list[int]]:
    """Return topic -> numbers."""
    partitions: dict[str, list[int]] = {}
    for topic, number in sorted(member.partitions):
        partitions.setdefault(topic, []).append(number)
    return partitions


def _of_member(group: str, member: Member, heard: Heard | None, at_s: float) -> api.WorkerRow:
    return api.WorkerRow(
        group=group,
        client_id=member.client_id,
        host=member.host,
        partitions=partitions_of(member),
        is_member=True,
        heartbeat=_heartbeat_row(heard, at_s, is_member=True) if heard else None,
    )


def _of_no_member(heard: Heard, members: Iterable[Member], at_s: float) -> api.WorkerRow:
    """Return the row of one that joined after the look, or has left without a word: then others have what it had."""
    told, topic = heard.heartbeat, heard.heartbeat.reads
    row = _heartbeat_row(heard, at_s, is_member=False)
    taken = {each.number for member in members for each in member.partitions if each.topic == topic}
    owned = [each.partition for each in told.partitions if each.partition not in taken and not row.is_silent]
    return api.WorkerRow(
        group=told.group,
        client_id=told.id,
        host=told.host,
        partitions={topic: owned} if owned else {},
        is_member=False,
        heartbeat=row,
    )


def _heartbeat_row(heard: Heard, at_s: float, *, is_member: bool) -> api.HeartbeatRow:
    told = heard.heartbeat
    age_s = max(0.0, at_s - heard.at_s)
    is_silent = age_s > SILENT_INTERVALS * told.interval_s
    states: dict[str, list[int]] = defaultdict(list)
    for lane in told.partitions:
        states[lane.state].append(lane.partition)
    return api.HeartbeatRow(
        host=told.host,
        pid=told.pid,
        stages=list(told.stages),
        states=dict(states),
        tagwire_version=told.tagwire_version,
        pipeline_version=told.pipeline_version,
        taxonomy_version=told.taxonomy_version,
        http_address=told.http_address,
        children=told.children,
        child_restarts=told.child_restarts,
        documents=told.documents,
        dead_letters=told.dead_letters,
        started_at_s=told.started_at.timestamp(),
        uptime_s=max(0.0, heard.at_s - told.started_at.timestamp()),
        age_s=age_s,
        is_silent=is_silent,
        why=_why(age_s, is_member=is_member) if is_silent else "",
    )


def _why(age_s: float, *, is_member: bool) -> str:
    if is_member:
        return f"no heartbeat for {age_s:.0f} s, though its group still counts it: it may not write to `workers`"
    return f"no heartbeat for {age_s:.0f} s, and no member of its group: killed, or cut off from Kafka"
