"""The statuses of consumer lag, each with its story."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.lag import Sample, unread
from services.core.lag_status import Membership, Rules, Standstill, Status, Verdict, group_status, partition_status

OWNED = Membership(members=2, has_owner=True, reads_topic=True)
NOT_OWNED = Membership(members=2, has_owner=False, reads_topic=True)
ELSEWHERE = Membership(members=2, has_owner=False, reads_topic=False)
NOBODY = Membership(members=0, has_owner=False, reads_topic=False)
JOINING = Membership(members=2, has_owner=False, reads_topic=False, is_unsettled=True)


def seen(*pairs: tuple[int | None, int | None], low: int | None = 0, hidden: int = 0) -> list[Sample]:
    """Samples 10 s apart: committed and end."""
    return [
        Sample(10.0 * place, committed, low, end, None if end is None else end + hidden)
        for place, (committed, end) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("window", "membership", "expected", "why"),
    [
        pytest.param([], OWNED, Status.UNKNOWN, "not sampled", id="no sample"),
        pytest.param(seen((5, None)), OWNED, Status.UNKNOWN, "no leader", id="a partition without a leader"),
        pytest.param(seen((100, 100)), OWNED, Status.OK, "nothing waits", id="drained, and judged at once"),
        pytest.param(seen((100, 100), (100, 100), (100, 100)), OWNED, Status.OK, "nothing waits", id="idle is well"),
        pytest.param(seen((100, 110)), OWNED, Status.UNKNOWN, "1 of 3", id="one sample of a fresh group is no stop"),
        pytest.param(seen((9, 20), (9, 20)), OWNED, Status.UNKNOWN, "2 of 3", id="nor are two"),
        pytest.param(seen((10, 20), (20, 30), (30, 40)), OWNED, Status.OK, "moves", id="behind and keeping up"),
        pytest.param(seen((10, 20), (20, 35), (30, 50)), OWNED, Status.WARN, "from 10 to 20", id="falling behind"),
        pytest.param(seen((10, 10), (12, 20), (14, 30)), OWNED, Status.OK, "moves", id="was drained a moment ago"),
        pytest.param(seen((10, 20), (20, 50), (45, 60)), OWNED, Status.OK, "moves", id="fell behind, catches up"),
        pytest.param(seen((10, 20), (10, 30), (10, 40)), OWNED, Status.STALL, "stands at 10", id="stalled"),
        pytest.param(
            seen((10, 20), (10, 30), (10, 40)),
            OWNED,
            Status.STALL,
            "for 20 s at least, and 30",
            id="it may stand for long",
        ),
        pytest.param(
            seen((5, 20), (10, 20), (10, 30), (10, 40), (10, 40)),
            OWNED,
            Status.STALL,
            "10 for 30 s, and",
            id="seen to stop",
        ),
        pytest.param(
            seen((9, 9), (9, 9), (9, 30), (9, 40), (9, 40)),
            OWNED,
            Status.STALL,
            "9 for 20 s, and",
            id="to stand without work is none",
        ),
        pytest.param(seen((1, 5), (10, 10), (10, 40), (10, 40)), OWNED, Status.OK, "moves", id="drained meanwhile"),
        pytest.param(seen((10, 20), (10, 20), (10, 20)), NOT_OWNED, Status.STOP, "no member has", id="no owner"),
        pytest.param(seen((10, 20), (10, 20), (10, 20)), JOINING, Status.STALL, "stands", id="a rebalance that lasts"),
        pytest.param(seen((10, 20)), NOBODY, Status.STOP, "no members, and 10", id="all members gone"),
        pytest.param(seen((5, 20), (10, 20)), NOBODY, Status.OK, "moves", id="no member, and commits: it took its own"),
        pytest.param(seen((5, 9), (9, 20), (9, 20)), NOBODY, Status.STOP, "no members", id="and then no more"),
        pytest.param(seen((20, 20)), NOBODY, Status.EMPTY, "nothing waits", id="a job that is done"),
        pytest.param(seen((10, 20)), ELSEWHERE, Status.ABANDONED, "any more", id="reads another topic now"),
        pytest.param(seen((20, 20)), ELSEWHERE, Status.OK, "any more", id="reads another topic, and left nothing"),
        pytest.param(seen((50, 60), (20, 60)), OWNED, Status.REWIND, "was at 50", id="rewound"),
        pytest.param(seen((50, 60), (20, 60), (60, 60)), OWNED, Status.OK, "nothing", id="rewound, and back again"),
        pytest.param(seen((50, 60), (None, 60)), OWNED, Status.REWIND, "was at 50", id="its offsets were deleted"),
        pytest.param(seen((500, 7)), OWNED, Status.REWIND, "new one", id="the topic was made anew"),
        pytest.param(seen((10, 90), low=40), OWNED, Status.LOSS, "30 offsets", id="truncated under it"),
        pytest.param(seen((42, 90), low=40), OWNED, Status.RISK, "96%", id="truncated nearly to it"),
        pytest.param(seen((10, 90)), OWNED, Status.UNKNOWN, "1 of 3", id="nothing was deleted yet: no risk"),
        pytest.param(seen((None, 9), (None, 9), (None, 9)), OWNED, Status.STALL, "never", id="never commits"),
        pytest.param(seen((None, 0)), OWNED, Status.OK, "nothing was ever", id="never committed, nothing there"),
        pytest.param(seen((None, 9), low=9), OWNED, Status.OK, "nothing waits", id="never committed, all deleted"),
        pytest.param(seen((20, 20), hidden=5), OWNED, Status.OK, "open transaction", id="blocked is not lag"),
        pytest.param(
            seen((10, 20), (10, 20), (10, 20), hidden=5), OWNED, Status.STALL, "5 more behind", id="stalled and blocked"
        ),
    ],
)
def test_status(window: list[Sample], membership: Membership, expected: Status, why: str) -> None:
    verdict = partition_status(window, membership)

    assert verdict.status is expected, verdict.why
    assert why in verdict.why


@pytest.mark.parametrize(
    ("since_s", "told"),
    [(-50.0, "70 s"), (-99.0, "119 s"), (-105.0, "2 min 5 s"), (-3580.0, "1 h 0 min"), (-90_000.0, "25 h 0 min")],
)
def test_how_long_it_stands_is_told_beyond_the_window(since_s: float, told: str) -> None:
    verdict = partition_status(seen((9, 20), (9, 20), (9, 20)), OWNED, stands=Standstill(since_s, was_seen=True))

    assert verdict == Verdict(Status.STALL, f"it stands at 9 for {told}, and 11 offsets wait")


def test_a_group_may_be_allowed_to_be_behind() -> None:
    window = seen((10, 20), (10, 20), (10, 20))

    assert partition_status(window, OWNED, Rules(allowed_lag=10)).status is Status.OK
    assert partition_status(window, OWNED, Rules(allowed_lag=9)).status is Status.STALL


def test_a_group_is_as_well_as_its_worst_partition() -> None:
    stalled = Verdict(Status.STALL, "it stands")
    verdicts = [Verdict(Status.OK, ""), stalled, Verdict(Status.UNKNOWN, "")]

    assert group_status(verdicts) == stalled
    assert group_status([]).status is Status.UNKNOWN


OFFSETS = st.none() | st.integers(0, 100)
WINDOWS = st.lists(
    st.builds(
        Sample, at_s=st.just(0.0), committed=OFFSETS, low=OFFSETS, end=OFFSETS, high=OFFSETS, first_unread=OFFSETS
    ),
    max_size=6,
)


@given(WINDOWS, st.sampled_from([OWNED, NOT_OWNED, ELSEWHERE, NOBODY, JOINING]))
def test_every_status_has_its_sentence_and_a_drained_partition_is_never_blamed(
    window: Sequence[Sample], membership: Membership
) -> None:
    verdict = partition_status(window, membership)

    assert verdict.why
    if window and window[-1].end is not None and not unread(window[-1]):
        assert verdict.status not in {Status.STOP, Status.STALL, Status.WARN, Status.ABANDONED, Status.RISK}
