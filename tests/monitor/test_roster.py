"""Who works, from members and heartbeats made by hand; and what of it is shown."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from schemas.topics import WORKERS
from schemas.workers import WorkerHeartbeat
from services.core.lag_status import Rules
from services.kafka.cluster import Ends, Group, Look, Member, Partition
from services.kafka.records import Record
from services.kafka.settings import KafkaSettings
from services.monitor import api, views
from services.monitor.heartbeats import FORGOTTEN_S, MOST_WORKERS, Heard, Heartbeats, after
from services.monitor.journey import journey
from services.monitor.judging import Judge, Limits
from services.monitor.roster import roster
from services.monitor.snapshot import Snapshot
from services.monitor.status_screen import status_screen
from tests.heartbeats import STARTED, heartbeat

GROUP = "tagwire-clean-route"
RAW = "documents.raw"
NOW_S = STARTED.timestamp() + 60
AGE_S = NOW_S - 5.0


def member(client_id: str, *numbers: int) -> Member:
    return Member(client_id, "10.0.0.1", frozenset(Partition(RAW, number) for number in numbers))


async def looked(*members: Member) -> Snapshot:
    """Return what a look shows at a group with these members, whose topic has four partitions."""
    group = Group(GROUP, "Stable" if members else "Empty", members, {})
    ends = {Partition(RAW, number): Ends(0, 0, 0) for number in range(4)}
    judge = Judge(Limits(Rules(), window=5, history=10), journey(KafkaSettings()).inputs)
    return await judge.judge(Look(NOW_S, {GROUP: group}, ends), {}, took_s=0.0)


async def rows(members: Sequence[Member], *told: WorkerHeartbeat, at_s: float = AGE_S) -> list[api.WorkerRow]:
    seen = await looked(*members)
    return roster(seen.groups.values(), {each.id: Heard(each, at_s) for each in told}, at_s=NOW_S)


async def test_a_member_and_its_heartbeat_are_one_worker() -> None:
    (row,) = await rows([member("w-1", 0, 2)], heartbeat(http_address="http://web-1:8080"))

    assert (row.is_member, row.client_id, row.host, row.partitions) == (True, "w-1", "10.0.0.1", {RAW: [0, 2]})
    assert row.heartbeat is not None
    assert row.heartbeat.states == {"running": [0], "breaker_open": [2]}
    assert (row.heartbeat.host, row.heartbeat.pid) == ("web-1", 42)
    assert (row.heartbeat.uptime_s, row.heartbeat.age_s) == (55.0, 5.0)
    assert row.heartbeat.http_address == "http://web-1:8080"
    assert (row.heartbeat.is_silent, row.heartbeat.why) == (False, "")


async def test_a_member_without_heartbeats_is_shown_as_its_group_knows_it() -> None:
    (row,) = await rows([member("tagwire-clean-route-worker", 0, 1)])

    assert (row.partitions, row.is_member, row.heartbeat) == ({RAW: [0, 1]}, True, None)


async def test_one_that_joined_after_the_look_has_what_nobody_else_has() -> None:
    first, second = await rows([member("w-0", 2)], heartbeat("w-1"))

    assert (first.client_id, second.client_id) == ("w-0", "w-1")
    assert (second.is_member, second.partitions) == (False, {RAW: [0]})


@pytest.mark.parametrize(
    ("age_s", "interval_s", "is_silent"),
    [(30.0, 10.0, False), (30.1, 10.0, True), (3.1, 1.0, True), (100.0, 60.0, False), (-5.0, 10.0, False)],
)
async def test_after_three_intervals_without_a_heartbeat_it_is_silent(
    age_s: float, interval_s: float, is_silent: bool
) -> None:
    (row,) = await rows([], heartbeat(interval_s=interval_s), at_s=NOW_S - age_s)

    assert row.heartbeat is not None
    assert row.heartbeat.is_silent is is_silent
    assert row.heartbeat.age_s == pytest.approx(max(0.0, age_s))
    assert row.partitions == ({} if is_silent else {RAW: [0, 2]})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param([], "no heartbeat for 31 s, and no member of its group: killed, or cut off from Kafka", id="dead"),
        pytest.param(
            [member("w-1", 0)],
            "no heartbeat for 31 s, though its group still counts it: it may not write to `workers`",
            id="hindered",
        ),
    ],
)
async def test_a_silent_one_is_told_with_a_sentence(members: list[Member], expected: str) -> None:
    (row,) = await rows(members, heartbeat(), at_s=NOW_S - 31)

    assert row.heartbeat is not None
    assert row.heartbeat.why == expected


async def test_a_worker_of_a_group_that_is_not_looked_at_is_not_shown() -> None:
    assert await rows([], heartbeat(group="another")) == []


def record(key: str, told: WorkerHeartbeat | None, *, offset: int, at_s: float = NOW_S) -> Record:
    value = told.model_dump_json(exclude_none=True).encode() if told else None
    return Record(WORKERS.name, 0, offset, int(at_s * 1000), key.encode(), value)


ONE, NEWER, TWO = heartbeat("w-1"), heartbeat("w-1", documents=18), heartbeat("w-2")
OLD_S = NOW_S - FORGOTTEN_S - 1


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([], {}, id="nobody"),
        pytest.param([record("w-1", ONE, offset=0), record("w-1", NEWER, offset=1)], {"w-1": NEWER}, id="the last"),
        pytest.param([record("w-1", ONE, offset=0), record("w-1", None, offset=1)], {}, id="stopped"),
        pytest.param(
            [record("w-1", None, offset=0), record("w-1", ONE, offset=1)], {"w-1": ONE}, id="stopped, and came again"
        ),
        pytest.param(
            [record("w-1", ONE, offset=0, at_s=OLD_S), record("w-2", TWO, offset=1)], {"w-2": TWO}, id="killed long ago"
        ),
        pytest.param([record("w-1", TWO, offset=0)], {}, id="under another's key"),
        pytest.param([Record(WORKERS.name, 0, 0, 0, None, b"{}")], {}, id="without a key"),
        pytest.param([Record(WORKERS.name, 0, 0, int(NOW_S * 1000), b"w-1", b"\xff")], {}, id="no JSON"),
        pytest.param([Record(WORKERS.name, 0, 0, int(NOW_S * 1000), b"w-1", b"{" * 10**6)], {}, id="a monster"),
    ],
)
def test_of_each_worker_the_last_heartbeat_counts(records: list[Record], expected: dict[str, WorkerHeartbeat]) -> None:
    found = after({}, records, now_s=NOW_S)

    assert {name: each.heartbeat for name, each in found.items()} == expected


def test_a_killed_worker_is_forgotten_though_nothing_new_comes() -> None:
    heard = after({}, [record("w-1", ONE, offset=0)], now_s=NOW_S)

    assert list(after(heard, [], now_s=NOW_S + FORGOTTEN_S - 1)) == ["w-1"]
    assert after(heard, [], now_s=NOW_S + FORGOTTEN_S + 1) == {}


def test_no_more_workers_are_kept_than_a_monitor_has_room_for() -> None:
    many = [record(f"w-{n}", heartbeat(f"w-{n}"), offset=n, at_s=NOW_S + n / 1000) for n in range(MOST_WORKERS + 5)]

    found = after({}, many, now_s=NOW_S + 10)

    assert len(found) == MOST_WORKERS
    assert "w-4" not in found


async def screen(seen: Snapshot, heartbeats: Heartbeats) -> str:
    letters = api.DeadLetterCount(kept=0, last_hour=0, last_day=0, is_more=False, newest_at_s=None)
    told = views.overview(
        seen,
        journey(KafkaSettings()),
        letters,
        heartbeats,
        cluster="ours",
        interval_s=10.0,
        problem=None,
        now_s=NOW_S,
    )
    written = io.StringIO()
    Console(file=written, width=120).print(status_screen(told, at="here"))
    return written.getvalue()


async def test_the_screen_has_each_worker_its_partitions_and_who_is_silent() -> None:
    heartbeats = Heartbeats(KafkaSettings())
    heartbeats.read_at_s = NOW_S
    heartbeats._heard = {
        "w-1": Heard(heartbeat("w-1"), AGE_S),
        "w-2": Heard(heartbeat("w-2", host="web-2\x1b[/red]", pid=7), NOW_S - 40),
    }

    lines = (await screen(await looked(member("w-1", 0, 2), member("old", 1, 3)), heartbeats)).splitlines()

    shown = [line.split() for line in lines]
    assert ["web-1:42", GROUP, "0,", "breaker", "open:", "2", "0123456789ab", "0.1.0", "55", "s", "5.0", "s"] in shown
    assert ["old", "10.0.0.1", GROUP, "1", "3", "-", "-", "-", "-"] in shown
    assert any(line.startswith("worker web-2[/red]:7 is silent: no heartbeat for 40 s") for line in lines)


async def test_without_workers_the_screen_has_no_table_of_them() -> None:
    assert "heartbeat" not in await screen(await looked(), Heartbeats(KafkaSettings()))
