"""Which offsets may be committed, whatever Faust believes."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import pytest
from faust.transport import consumer as base
from faust.types import TP

from services.insights.transport import Consumer

HERE = TP("tests", 0)


@pytest.fixture
def consumer() -> Consumer:
    """Return one that has been given a partition, without an app or a broker."""
    made = Consumer.__new__(Consumer)
    made.app = cast("Any", SimpleNamespace(topics=SimpleNamespace(acks_enabled_for=lambda _: True)))
    made._done, made._fetched, made._committed_offset = {}, {}, {HERE: None}
    made.can_resume_flow, made.suspend_flow = asyncio.Event(), asyncio.Event()
    made.resume_flow()
    return made


def test_what_is_done_may_be_committed_and_the_markers_behind_it_once_all_is_done(consumer: Consumer) -> None:
    consumer.note_fetched({HERE: 6}, {HERE: 9})
    consumer.finish(HERE, 5)
    assert consumer.committable() == {HERE: 6}
    consumer.finish(HERE, 6)
    assert consumer.committable() == {HERE: 9}


async def test_nothing_may_be_committed_by_a_fetch_that_a_revocation_overtook(consumer: Consumer) -> None:
    async def nothing(*_: Any) -> None:
        return

    consumer.before_revocation = nothing
    with (
        patch.object(Consumer, "commit", nothing),
        patch.object(base.Consumer, "on_partitions_revoked", nothing),
    ):
        await consumer.on_partitions_revoked({HERE})
    consumer.note_fetched({}, {HERE: 9})  # Faust has dropped the records before it

    assert consumer.committable() == {}
    consumer.resume_flow()
    assert consumer.committable() == {}


async def test_a_commit_that_failed_is_tried_again(consumer: Consumer) -> None:
    answers = [False, True]

    async def commit(offsets: dict[TP, int], **_: Any) -> bool:
        consumer._committed_offset.update(offsets)  # as Faust does, whatever came of it
        return answers.pop(0)

    consumer.finish(HERE, 5)
    with patch.object(consumer, "_commit_offsets", commit):
        assert not await consumer.force_commit()
        assert consumer.committable() == {HERE: 6}
        assert await consumer.force_commit()
        assert consumer.committable() == {}
