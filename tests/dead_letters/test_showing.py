"""What an operator sees of dead letters: groups and single ones, and nothing that rules the terminal."""

from collections.abc import AsyncGenerator

import orjson
import pytest
from rich.console import Console

from schemas.dead_letters import Reason
from services.dead_letters.letters import DeadLetterError, Letter, Selection, letter_of
from services.dead_letters.listing import group_line, group_table, grouped, letter_lines, letter_table
from services.dead_letters.showing import find, letter_json
from services.dead_letters.showing import letter_lines as shown
from services.kafka import codec
from services.kafka.records import Record

EVIL = "\x1b]0;owned\x07[red]"


def letter(number: int, reason: Reason, message: str, value: bytes | None = b"Rain.", died_ms: int = 0) -> Letter:
    record = Record("documents.raw", 0, number, 1_700_000_000_000, b"doc-%d" % number, value, (("x-own", b"kept"),))
    error = ValueError("boom") if reason is Reason.STEP_FAILED else None
    output = codec.dead_letter(record, reason=reason, stage="clean", message=message, exception=error, group="g")
    place = ("documents.dead-letter", 0, number + 100, died_ms or 1_700_000_000_000 + number)
    return letter_of(Record(*place, output.key, output.value, output.headers))


async def stream(*letters: Letter) -> AsyncGenerator[Letter]:
    for each in letters:
        yield each


def printed(*lines: object) -> str:
    console = Console(width=160, highlight=False)
    with console.capture() as captured:
        for line in lines:
            console.print(line)
    return captured.get()


async def test_letters_of_one_cause_are_one_group_with_its_newest_as_the_sample() -> None:
    letters = [letter(n, Reason.EMPTY_BODY, f"body is {n} characters") for n in (3, 1, 2)]
    letters.append(letter(9, Reason.NOT_TEXT, f"a picture {EVIL}"))

    groups = await grouped(stream(*letters), Selection())

    first, second = (orjson.loads(group_line(group)) for group in groups)
    assert (first["count"], first["reason"], first["sample"]["id"]) == (3, "empty_body", "doc-3")
    assert (first["first"], first["last"]) == ("2023-11-14T22:13:20.001Z", "2023-11-14T22:13:20.003Z")
    assert second["count"] == 1
    table = printed(group_table(groups))
    assert "a picture ]0;owned[red]" in table
    assert "\x1b" not in table


async def test_bodies_are_not_kept_for_a_list() -> None:
    (group,) = await grouped(stream(letter(1, Reason.NOT_TEXT, "no")), Selection())

    assert group.newest.record.value is None


async def test_each_letter_is_a_line_when_asked() -> None:
    letters = [letter(n, Reason.EMPTY_BODY, EVIL) for n in (1, 2)]

    lines = [orjson.loads(line) async for line in letter_lines(stream(*letters), Selection(ids=frozenset({"doc-2"})))]

    assert [(line["id"], line["position"]) for line in lines] == [("doc-2", "documents.dead-letter/0/102")]
    assert lines[0]["original"]["position"] == "documents.raw/0/2"
    assert "\x1b" not in printed(letter_table(letters))


@pytest.mark.parametrize("wanted", ["doc-2", "documents.dead-letter/0/102", "documents.raw/0/2"])
async def test_a_letter_is_found_by_id_and_by_both_positions(wanted: str) -> None:
    found = await find(stream(*(letter(n, Reason.NO_TEXT, "") for n in (1, 2, 3))), wanted)

    assert (found.letter.id, found.older) == ("doc-2", 0)


async def test_of_several_with_an_id_the_newest_is_shown_and_the_others_counted() -> None:
    letters = [letter(2, Reason.NO_TEXT, "old", died_ms=5), letter(2, Reason.TIMEOUT, "new", died_ms=9)]

    found = await find(stream(*reversed(letters)), "doc-2")

    assert (found.letter.message, found.older) == ("new", 1)


async def test_what_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DeadLetterError, match="no dead letter has the id or position 'nobody'"):
        await find(stream(letter(1, Reason.NO_TEXT, "")), "nobody")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(f"Rain{EVIL}\nfell".encode(), "    Rain]0;owned[red]\n    fell\n", id="text, made harmless"),
        pytest.param("Crue à Conakry".encode("latin-1"), "Crue \ufffd Conakry", id="text in another encoding"),
        pytest.param(bytes(range(256)), "256 bytes that are no UTF-8 text\n    00 01 02", id="bytes"),
        pytest.param(b"word " * 10_000, "50000 bytes, the start of them", id="a long text"),
        pytest.param(b"line\n" * 30, "150 bytes, the start of them", id="many lines"),
        pytest.param(None, "the record's value is null", id="null"),
        pytest.param(b"", "0 bytes\n", id="empty"),
    ],
)
def test_a_body_is_shown_safely(value: bytes | None, expected: str) -> None:
    text = printed(*shown(letter(1, Reason.NOT_TEXT, "", value)))

    assert expected in text
    assert "\x1b" not in text
    assert len(text) < 5000


def test_a_letter_is_shown_with_everything_that_can_be_read_of_it() -> None:
    died = letter(1, Reason.STEP_FAILED, EVIL)

    text = printed(*shown(died))
    told = orjson.loads(letter_json(died))

    for part in ("step_failed", died.fingerprint, "documents.raw/0/1", "x-own=kept", "ValueError: boom", "put back 0"):
        assert part in text
    assert "\x1b" not in text
    assert told["message"] == EVIL
    assert told["exception"] == "builtins.ValueError"
    assert ["x-own", "kept"] in told["headers"]
    assert told["body_start"] == "Rain."
