"""Which rows lag has, and what a partition without a commit counts as."""

from collections.abc import Collection

import pytest

from schemas.topics import CLEAN, RAW, Topic
from services.kafka.offsets import GroupOffset
from services.kafka.reader import Span
from services.monitor.lags import PartitionLag, expected, rows

INPUTS = {"all": RAW, "front": RAW, "back": CLEAN}


def offset(group: str, partition: int = 0, committed: int | None = 5) -> GroupOffset:
    return GroupOffset(group, "documents.raw", partition, committed, 9)


@pytest.mark.parametrize(
    ("present", "asked", "shown"),
    [
        pytest.param([], None, {"all": RAW}, id="nobody has committed: the worker of all stages is to come"),
        pytest.param(["front"], None, {"front": RAW}, id="stages apart, the second without a commit"),
        pytest.param(["front", "back"], None, {"front": RAW, "back": CLEAN}, id="stages apart"),
        pytest.param(["back"], None, {"all": RAW, "back": CLEAN}, id="nobody reads what comes in"),
        pytest.param(["theirs"], None, {"all": RAW}, id="another's group"),
        pytest.param(["all"], ["back"], {"back": CLEAN}, id="asked for"),
        pytest.param([], ["theirs"], {}, id="another's, asked for"),
    ],
)
def test_which_of_our_groups_are_shown_whole(
    present: list[str], asked: Collection[str] | None, shown: dict[str, Topic]
) -> None:
    assert expected([offset(group) for group in present], asked, INPUTS) == shown


def test_without_a_commit_everything_that_is_kept_is_still_to_be_read() -> None:
    held = {("documents.raw", 0): Span(2, 9), ("documents.raw", 1): Span(3, 7), ("documents.clean", 0): Span(0, 4)}
    offsets = [offset("all"), offset("theirs", committed=None)]

    told = rows(offsets, {"all": "documents.raw"}, held)

    assert told == [
        PartitionLag("all", "documents.raw", 0, 5, 9, 4),
        PartitionLag("all", "documents.raw", 1, None, 7, 4),
        PartitionLag("theirs", "documents.raw", 0, None, 9, None),
    ]


def test_a_commit_that_says_nothing_is_no_commit() -> None:
    told = rows([offset("all", committed=None)], {"all": "documents.raw"}, {("documents.raw", 0): Span(2, 9)})

    assert told == [PartitionLag("all", "documents.raw", 0, None, 9, 7)]
