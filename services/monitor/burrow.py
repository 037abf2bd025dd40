"""A snapshot in the shapes of Burrow's HTTP API, so that what speaks to Burrow can speak to us."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final

from services.core.lag import Sample, lag
from services.core.lag_status import Status
from services.monitor.snapshot import GroupState, PartitionState, Snapshot


class Code(IntEnum):
    """Burrow's statuses (core/protocol/evaluator.go); a group has one of the first four."""

    NOTFOUND = 0
    OK = 1
    WARN = 2
    ERR = 3
    STOP = 4
    STALL = 5
    REWIND = 6


CODES: Final = {
    Status.OK: Code.OK,
    Status.EMPTY: Code.OK,
    # Burrow calls a partition OK until it has seen enough of it.
    Status.UNKNOWN: Code.OK,
    Status.ABANDONED: Code.WARN,
    Status.WARN: Code.WARN,
    Status.RISK: Code.WARN,
    Status.REWIND: Code.REWIND,
    Status.STALL: Code.STALL,
    Status.STOP: Code.STOP,
    # Burrow knows no lost records.
    Status.LOSS: Code.ERR,
}


def group_code(group: GroupState) -> Code:
    return min(Code.ERR, max((CODES[each.verdict.status] for each in group.partitions), default=Code.OK))


def group_status(cluster: str, group: GroupState, *, shows_all: bool, window: int) -> dict[str, Any]:
    """Return the `status` of a group: with all of its partitions, or only those that are not OK."""
    partitions = [partition_status(each, window=window) for each in group.partitions]
    largest = max(partitions, key=lambda each: each["current_lag"], default=None)
    return {
        "cluster": cluster,
        "group": group.name,
        "status": group_code(group).name,
        "complete": min((each["complete"] for each in partitions), default=0.0),
        "partitions": [each for each in partitions if shows_all or each["status"] != Code.OK.name],
        "partition_count": len(partitions),
        "maxlag": largest,
        "totallag": group.point.lag,
    }


def not_found(cluster: str, group: str) -> dict[str, Any]:
    """Return what Burrow says of a group that is not there."""
    return {
        "cluster": cluster,
        "group": group,
        "status": Code.NOTFOUND.name,
        "complete": 0.0,
        "partitions": [],
        "partition_count": 0,
        "maxlag": None,
        "totallag": 0,
    }


def partition_status(each: PartitionState, *, window: int) -> dict[str, Any]:
    return {
        "topic": each.topic,
        "partition": each.number,
        **_owner(each),
        "status": CODES[each.verdict.status].name,
        "start": _offset(each.window[0]),
        "end": _offset(each.now),
        "current_lag": each.lag or 0,
        "complete": round(len(each.window) / window, 3),
    }


def consumer_topics(group: GroupState) -> dict[str, list[dict[str, Any]]]:
    """Return topic -> its partitions from 0 on, with the samples that are kept of them."""
    topics: dict[str, list[dict[str, Any]]] = {}
    for each in group.partitions:
        rows = topics.setdefault(each.topic, [])
        # Burrow's list has a place for each number.
        rows += [{"offsets": [], "owner": "", "client_id": "", "current-lag": 0}] * (each.number - len(rows))
        offsets = [_offset(sample) for sample in each.window]
        rows.append({"offsets": offsets, **_owner(each), "current-lag": each.lag or 0})
    return topics


def topic_offsets(snapshot: Snapshot, topic: str) -> list[int]:
    """Return where each partition ends; -1 where that is not known."""
    return [-1 if ends.end is None else ends.end for ends in snapshot.topics[topic].partitions.values()]


def consumers_of(snapshot: Snapshot, topic: str) -> Iterable[str]:
    return (name for name, group in snapshot.groups.items() if topic in group.topics)


def _owner(each: PartitionState) -> dict[str, str]:
    owner = each.owner
    return {"owner": owner.host if owner else "", "client_id": owner.client_id if owner else ""}


def _offset(sample: Sample) -> dict[str, Any] | None:
    if sample.committed is None:
        return None
    at_ms = int(sample.at_s * 1000)
    known = lag(sample.end, sample.committed)
    return {"offset": sample.committed, "timestamp": at_ms, "observedAt": at_ms, "lag": known}
