"""What is overtaken, what is put back in which form, and how redrive sums it up."""

from dataclasses import replace

import orjson
import pytest

from schemas import headers
from schemas.dead_letters import Reason
from schemas.topics import CLASSIFIED, CLEAN, RAW, Topic
from services.dead_letters.candidates import Candidate, Fate
from services.dead_letters.judging import _overtakes
from services.dead_letters.redrive import Report, Rules, _put_back
from services.dead_letters.redriving import WARNINGS_SHOWN, candidate_line, summary, warnings
from services.kafka import codec
from services.kafka.records import Record
from services.worker.transform import Outcome

DIED_MS = 1_800_000_000_000


def candidate(fate: Fate | None = None, topic: Topic | None = RAW, now: Reason | None = None) -> Candidate:
    return Candidate(
        name="wire-1",
        place=(0, 5),
        position="t.documents.dead-letter/0/5",
        reason="step_failed",
        died_ms=DIED_MS,
        digest=b"",
        replays=1,
        topic=topic,
        fate=fate,
        now=Outcome((), None, now, "why") if now else None,
        identity=("wire-1", 2),
        origin="t.documents.raw/1/10",
    )


@pytest.mark.parametrize(
    ("version", "origin", "later_ms", "topic", "expected"),
    [
        pytest.param(3, "t.documents.raw/1/4", -9, RAW, True, id="a higher version, whenever it came"),
        pytest.param(1, "t.documents.raw/1/99", 9, RAW, False, id="a lower version"),
        pytest.param(2, "t.documents.raw/1/11", -9, RAW, True, id="the same version sent again, by offset"),
        pytest.param(2, "t.documents.raw/1/9", 9, RAW, False, id="the same version, before it"),
        pytest.param(2, "t.documents.raw/1/10", 9, CLEAN, True, id="the same record, passed since"),
        pytest.param(2, "t.documents.raw/0/4", 9, RAW, True, id="another partition: by time"),
        pytest.param(2, "t.documents.raw/0/99", -9, RAW, False, id="another partition, before it"),
        pytest.param(2, "", 9, RAW, True, id="no origin: by time"),
        pytest.param(2, "t.documents.raw/1/10", 9, CLASSIFIED, False, id="the very record that died in route"),
        pytest.param(3, "t.documents.raw/1/11", 9, CLASSIFIED, True, id="a higher version of it"),
    ],
)
def test_what_overtakes_a_letter(version: int, origin: str, later_ms: int, topic: Topic, expected: bool) -> None:
    classified = Record("t", 0, 0, DIED_MS + later_ms, b"k", b"{}", ((headers.ORIGIN, origin.encode()),))

    assert _overtakes(classified, version, candidate(topic=topic)) is expected


def test_what_is_put_back_is_the_record_as_it_was_with_one_replay_more() -> None:
    own = (("traceparent", b"00-1"), ("x", None), ("x", b"\xff"))
    record = Record("t.documents.clean", 1, 10, DIED_MS, b"k", b"\x00v", (*own, (headers.DLQ_REPLAY_COUNT, b"1")))
    letter = codec.dead_letter(record, reason=Reason.TIMEOUT, stage="enrich", message="", exception=None, group="g")

    output = _put_back(candidate(topic=CLEAN), Record("d", 0, 5, DIED_MS, letter.key, letter.value, letter.headers))

    assert output == ("documents.clean", b"k", b"\x00v", (*own, (headers.DLQ_REPLAY_COUNT, b"2")))


@pytest.mark.parametrize(
    ("fates", "dry", "sent", "expected"),
    [
        pytest.param([], True, 0, ["No dead letter matches."], id="none chosen"),
        pytest.param([Fate.PASSES] * 3, True, 0, ["3 of 3 would now pass"], id="all pass"),
        pytest.param(
            [Fate.PASSES, Fate.OVERTAKEN, Fate.DIES],
            True,
            0,
            ["2 of 3 would now pass; 1 of them would come behind a newer document; 1 would die again: 1 no_text"],
            id="dry",
        ),
        pytest.param(
            [Fate.PASSES, Fate.DIES],
            False,
            1,
            ["1 of 2 put back; 1 would die again: 1 no_text (1 not sent: --all sends them, too)"],
            id="some held back",
        ),
        pytest.param([Fate.PASSES, Fate.DIES], False, 2, ["2 of 2 put back; 1 would die again: 1 no_text"], id="all"),
        pytest.param(
            [Fate.PUT_BACK, Fate.PUT_BACK, Fate.REPEATED, Fate.MAX_REPLAYS, Fate.UNKNOWN_TOPIC],
            False,
            0,
            [
                "nothing to put back of 5 dead letters",
                (
                    "skipped: 2 put back already, 1 with a later dead letter of the same record, 1 from no topic of "
                    "this installation that a worker reads, 1 put back 3 times or more (--max-replays)"
                ),
            ],
            id="all skipped",
        ),
        pytest.param(
            [Fate.OF_INSIGHTS],
            False,
            0,
            [
                "nothing to put back of 1 dead letter",
                "skipped: 1 of insights, which would come to all other readers of their topic once more",
            ],
            id="of insights",
        ),
    ],
)
def test_the_summary(fates: list[Fate], dry: bool, sent: int, expected: list[str]) -> None:
    found = [candidate(fate, now=Reason.NO_TEXT if fate is Fate.DIES else None) for fate in fates]

    assert list(summary(Report(found, sent, dry), Rules())) == expected


def test_warnings_name_the_version_and_come_to_an_end() -> None:
    overtaken = [replace(candidate(Fate.OVERTAKEN), overtaken_by=version) for version in (3, 2)]

    told = list(warnings(Report(overtaken)))
    many = list(warnings(Report(overtaken * WARNINGS_SHOWN)))

    assert told == [
        "warning: wire-1 version 2: version 3 is classified already",
        "warning: wire-1 version 2: the same version came later and is classified already",
    ]
    assert len(many) == WARNINGS_SHOWN + 1
    assert many[-1] == f"warning: and {WARNINGS_SHOWN} more; --json has all"


def test_a_letter_as_json_tells_its_fate() -> None:
    line = orjson.loads(candidate_line(candidate(Fate.DIES, now=Reason.NO_TEXT)))

    assert (line["id"], line["fate"], line["now"]) == ("wire-1", "dies", {"reason": "no_text", "message": "why"})
