"""What is known after several looks, made by hand: rows, rates, times; and what is forgotten."""

import pytest

from services.core.lag_status import Rules, Status
from services.kafka.cluster import Ends, Group, Look, Member, Partition
from services.kafka.unread import First, Place
from services.monitor.judging import MISSING, Judge, Limits
from services.monitor.snapshot import Snapshot

ZERO, ONE = Partition("raw", 0), Partition("raw", 1)
INPUTS = {"all": "raw", "front": "raw", "back": "clean"}
LIMITS = Limits(Rules(), window=5, history=10)


def group(name: str, committed: dict[Partition, int] | None = None, *, owns: tuple[Partition, ...] = ()) -> Group:
    members = (Member("client", "127.0.0.1", frozenset(owns)),) if owns else ()
    return Group(name, "Stable" if owns else "Empty", members, committed or {})


def look(
    at_s: float,
    *groups: Group,
    ends: dict[Partition, int] | None = None,
    errors: dict[str, str] | None = None,
    is_whole: bool = True,
) -> Look:
    held = {
        partition: Ends(0, end, end) for partition, end in ({ZERO: 100, ONE: 100} if ends is None else ends).items()
    }
    return Look(at_s, {each.name: each for each in groups}, held, errors or {}, is_whole)


async def after(judge: Judge, *looks: Look, firsts: dict[tuple[Partition, int], First] | None = None) -> Snapshot:
    for each in looks:
        seen = await judge.judge(each, firsts or {}, took_s=0.1)
    return seen


@pytest.mark.parametrize(
    ("present", "asked", "shown"),
    [
        pytest.param([], None, ["all"], id="nobody is there: the worker of all stages is to come"),
        pytest.param(["front"], None, ["front"], id="stages apart, the second still to come"),
        pytest.param(["back"], None, ["all", "back"], id="nobody reads what comes in"),
        pytest.param(["theirs"], None, ["all", "theirs"], id="another's group"),
        pytest.param([], ["back"], ["back"], id="asked for"),
        pytest.param([], ["theirs"], [], id="another's, asked for, and not there"),
    ],
)
async def test_which_of_our_groups_are_shown(present: list[str], asked: list[str] | None, shown: list[str]) -> None:
    seen = await after(Judge(LIMITS, INPUTS, asked), look(0, *map(group, present)))

    assert list(seen.groups) == shown
    assert all(each.state == MISSING for name, each in seen.groups.items() if name not in present)


async def test_our_group_has_all_of_its_topic_before_it_a_group_of_others_what_it_committed() -> None:
    seen = await after(Judge(LIMITS, INPUTS), look(0, group("all", {ZERO: 90}), group("theirs", {ZERO: 90})))

    assert [(each.number, each.lag) for each in seen.groups["all"].partitions] == [(0, 10), (1, 100)]
    assert [(each.number, each.lag) for each in seen.groups["theirs"].partitions] == [(0, 10)]


async def test_where_another_will_begin_is_not_known_and_spoils_no_sum() -> None:
    seen = await after(Judge(LIMITS, {}), look(0, group("theirs", {ZERO: 90}, owns=(ZERO, ONE))))

    assert [each.lag for each in seen.groups["theirs"].partitions] == [10, None]
    assert seen.groups["theirs"].point.lag == 10


async def test_a_table_that_a_member_restores_from_is_nothing_that_it_is_behind_in() -> None:
    table = Partition("counts-changelog", 0)
    ends = {ZERO: 100, table: 100}
    reader = group("tables", {ZERO: 100}, owns=(ZERO, table))
    copier = group("copies", {table: 40}, owns=(table,))

    seen = await after(Judge(LIMITS, INPUTS), *(look(at_s, reader, copier, ends=ends) for at_s in range(9)))

    assert [each.topic for each in seen.groups["tables"].partitions] == ["raw"]
    assert seen.groups["tables"].verdict.status is Status.OK
    assert seen.groups["copies"].verdict.status is Status.STALL


async def test_a_topic_that_is_deleted_takes_its_rows_along() -> None:
    mine = group("theirs", {ZERO: 90, Partition("gone", 0): 5})

    seen = await after(Judge(LIMITS, {}), look(0, mine))

    assert seen.groups["theirs"].topics == ["raw"]


async def test_a_group_that_is_deleted_is_forgotten_and_begins_anew() -> None:
    judge = Judge(LIMITS, {})
    first = await after(judge, look(0, group("g", {ZERO: 90})), look(10, group("g", {ZERO: 90})))
    without = await after(judge, look(20))
    again = await after(judge, look(30, group("g", {ZERO: 10})))

    assert len(first.history["g"]) == 2
    assert not without.groups
    assert not without.history
    assert again.groups["g"].verdict.status is Status.STOP
    assert len(again.groups["g"].partitions[0].window) == 1


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param({"errors": {"g": "coordinator moves"}}, id="it could not be read"),
        pytest.param({"errors": {"broker 1": "away"}, "is_whole": False}, id="its broker did not answer"),
    ],
)
async def test_a_group_that_could_not_be_read_stays_as_it_was(missing: dict[str, object]) -> None:
    judge = Judge(LIMITS, {})
    before = await after(judge, look(0, group("g", {ZERO: 90})))

    now = await after(judge, look(10, **missing))  # type: ignore[arg-type]

    assert now.groups == before.groups
    assert now.errors == missing["errors"]


async def test_seconds_are_exact_where_somebody_looked_and_interpolated_elsewhere() -> None:
    looks = [
        look(at_s, group("all", {ZERO: 150}), group("theirs", {ZERO: 150}), ends={ZERO: end})
        for at_s, end in ((0, 100), (10, 200), (20, 200))
    ]

    interpolated = await after(Judge(LIMITS, {}), *looks)
    exact = await after(Judge(LIMITS, {}), *looks, firsts={(ZERO, 150): First(150, 7000)})

    assert interpolated.groups["theirs"].partitions[0].lag_s == pytest.approx(15)
    assert exact.groups["theirs"].partitions[0].lag_s == pytest.approx(13)


async def test_where_only_markers_are_left_nothing_waits() -> None:
    seen = await after(Judge(LIMITS, {}), look(0, group("g", {ZERO: 98})), firsts={(ZERO, 98): First(100, None)})

    assert (seen.groups["g"].point.lag, seen.groups["g"].point.lag_s) == (0, 0)


async def test_ours_are_looked_at_always_others_where_they_stand_near_the_end() -> None:
    judge = Judge(LIMITS, INPUTS)
    ends = {ZERO: 5000, ONE: 5000}
    await after(judge, look(0, group("near", {ZERO: 4990}), group("moves", {ZERO: 4980}), ends=ends))

    places = judge.places(
        look(
            10,
            group("all", {ZERO: 10, ONE: 5000}),
            group("near", {ZERO: 4990}),
            group("moves", {ZERO: 4985}),
            group("far", {ZERO: 20}),
            ends=ends,
        )
    )

    assert places == [Place(ZERO, 10, 5000), Place(ZERO, 4990, 5000)]


async def test_a_topic_that_is_made_anew_begins_its_times_anew() -> None:
    judge = Judge(LIMITS, {})
    await after(judge, look(0, ends={ZERO: 1000}), look(10, ends={ZERO: 1100}))

    seen = await after(judge, look(20, group("g", {ZERO: 2}), ends={ZERO: 5}))

    assert seen.groups["g"].partitions[0].lag_s is None
    assert seen.topics["raw"].rate is None


async def test_rates_are_those_of_the_last_minute() -> None:
    judge = Judge(LIMITS, {})
    for at_s in range(0, 130, 10):
        grown = 0 if at_s < 60 else (at_s - 60) * 5
        seen = await after(judge, look(at_s, group("g", {ZERO: grown}), ends={ZERO: 100 + grown, ONE: 7}))

    assert seen.topics["raw"].rate == pytest.approx(5)
    assert seen.groups["g"].point.rate == pytest.approx(5)


@pytest.mark.parametrize("interval_s", [1, 7, 45, 300])
async def test_what_comes_in_and_what_is_read_as_fast_has_one_rate_however_often_somebody_looks(
    interval_s: int,
) -> None:
    judge = Judge(Limits(Rules(), window=5, history=100), {})
    for at_s in range(0, 40 * interval_s, interval_s):
        seen = await after(judge, look(at_s, group("g", {ZERO: 5 * at_s}), ends={ZERO: 100 + 5 * at_s}))

    assert seen.topics["raw"].rate == pytest.approx(5)
    assert seen.groups["g"].point.rate == pytest.approx(5)


async def test_a_group_that_goes_back_has_not_read_less_for_it() -> None:
    judge = Judge(LIMITS, {})
    places = (0, 50, 100, 20, 70)
    seen = await after(judge, *(look(10 * n, group("g", {ZERO: place})) for n, place in enumerate(places)))

    assert seen.groups["g"].point.rate == pytest.approx(150 / 40)


async def test_how_long_a_group_stands_is_counted_from_when_it_was_seen_to_stop() -> None:
    """Its window has five looks, and it has stood for longer."""
    judge = Judge(LIMITS, {})
    places = (10, 50, *[60] * 30)
    seen = await after(
        judge, *(look(10 * n, group("g", {ZERO: place}, owns=(ZERO,))) for n, place in enumerate(places))
    )

    assert seen.groups["g"].verdict.why == "it stands at 60 for 4 min 50 s, and 40 offsets wait"
    moved = await after(judge, look(400, group("g", {ZERO: 61}, owns=(ZERO,))))
    assert moved.groups["g"].verdict.why == "39 offsets wait, and it moves"
    again = await after(judge, *(look(400 + n, group("g", {ZERO: 61}, owns=(ZERO,))) for n in (10, 20)))
    assert again.groups["g"].verdict.why == "it stands at 61 for 20 s, and 39 offsets wait"


async def test_what_is_kept_is_bounded() -> None:
    judge = Judge(LIMITS, {})
    for at_s in range(50):
        seen = await after(judge, look(at_s, group("g", {ZERO: at_s}), ends={ZERO: 100 + at_s}))

    assert len(seen.history["g"]) == 10
    assert len(seen.groups["g"].partitions[0].window) == 5
    assert {len(ends) for ends in judge._ends.values()} == {10}
    await after(judge, look(60, ends={}))
    assert not judge._ends
    assert not judge._windows
    assert not judge._standstills
