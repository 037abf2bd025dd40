"""Between parent and child: what is sent arrives as it was, whatever is in it."""

import pickle

from schemas.dead_letters import Reason
from services.kafka.records import Output, Record
from services.worker.channel import Reply, plain_records, records_of
from services.worker.transform import Outcome

HEADERS = (("ce_id", b"1"), ("ce_id", None), ("größe", b"\xff"))


def test_records_arrive_as_they_were() -> None:
    records = [
        Record("documents.raw", 3, 17, 1_700_000_000_000, b"k", b"v", HEADERS),
        Record("documents.raw", 0, 0, 0, None, None),
    ]

    assert records_of(pickle.loads(pickle.dumps(plain_records(records)))) == records


def test_a_reply_arrives_as_it_was() -> None:
    reply = Reply(
        [
            Outcome(
                (Output("a", b"k", b"v", HEADERS), Output("b", None, None)), "one", source="wire", received_at_ms=5
            ),
            Outcome((), None, Reason.STEP_FAILED, "KeyError: 'x'"),
        ],
        0.25,
        {"clean": ((0, 1, 2), 0.125)},
        is_leaving=True,
    )

    arrived = Reply.of(pickle.loads(pickle.dumps(reply.plain())))

    assert arrived == reply
    assert [type(each) for outcome in arrived.outcomes for each in outcome.outputs] == [Output, Output]
    assert arrived.outcomes[1].is_bug
