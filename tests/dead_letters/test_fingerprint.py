"""The same cause has the same fingerprint, whatever the document; another cause has another."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import headers
from schemas.dead_letters import Reason
from services.dead_letters.fingerprint import fingerprint, masked, own_frames
from services.kafka.records import Record, header
from services.worker.flow import JOURNEY
from services.worker.transform import Plan, transform

ROOT = Path(__file__).parents[2]

TRACE = """Traceback (most recent call last):
  File "/app/services/worker/transform.py", line {line}, in transform
    result = stage.step(document, context)
  File "/app/services/core/{module}.py", line 7, in {function}
    return lookup[{value!r}]
           ~~~~~~^^^^^^^^^^
  File "/app/.venv/lib/python3.11/site-packages/lxml/services/html.py", line 99, in parse
KeyError: {value!r}
"""


def of(message: str, reason: str = "invalid_document", stacktrace: str | None = None, stage: str = "clean") -> str:
    exception = "builtins.KeyError" if stacktrace else None
    return fingerprint(reason=reason, stage=stage, message=message, exception=exception, stacktrace=stacktrace)


def trace(value: str = "x", line: int = 61, module: str = "clean", function: str = "clean") -> str:
    return TRACE.format(value=value, line=line, module=module, function=function)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("body is 0 bytes", "body is 12 bytes", id="numbers"),
        pytest.param("version: got 'three'", "version: got 'iii'", id="quoted values"),
        pytest.param("got 'a'", "got 'aaa' and 12 more", id="a value that was cut"),
        pytest.param("""got "it's" """, """got "o'clock" """, id="quotes in quotes"),
        pytest.param("page url-2fa9c1d3e4b5 gone", "page url-00a9c1d3e4b5 gone", id="hexadecimal ids"),
    ],
)
def test_what_differs_from_document_to_document_does_not_count(one: str, other: str) -> None:
    assert of(one) == of(other)


def test_another_field_stage_or_reason_is_another_cause() -> None:
    causes = {
        of("version: required"),
        of("source: required"),
        of("version: required", stage="enrich"),
        of("version: required", reason="not_text"),
    }

    assert len(causes) == 4


def test_a_bug_is_known_by_its_functions_not_by_lines_or_values() -> None:
    bug = of("KeyError: 'x'", Reason.STEP_FAILED, trace())

    assert of("KeyError: 'y'", Reason.STEP_FAILED, trace("y", line=99)) == bug
    assert of("KeyError: 'x'", Reason.STEP_FAILED, trace(function="settle")) != bug
    assert of("KeyError: 'x'", Reason.STEP_FAILED, trace(module="enrich")) != bug


def test_own_frames_leave_libraries_out_and_may_have_lost_their_beginning() -> None:
    way = ("services/worker/transform.py transform", "services/core/clean.py clean")

    assert own_frames(trace()) == way
    assert own_frames(trace()[40:]) == way[1:]
    assert own_frames("no traceback at all") == ()


def test_the_frames_of_a_real_traceback_are_found_also_when_installed() -> None:
    (letter,) = transform(Record("t", 0, 0, 0, b"k", b"Rain fell."), Plan(JOURNEY, "g"), None).outputs  # type: ignore[arg-type]
    told = header(letter.headers, headers.DLT_STACKTRACE) or ""

    way = own_frames(told)

    assert way[0] == "services/worker/transform.py transform"
    assert own_frames(told.replace(f"{ROOT}/", "/venv/lib/python3.11/site-packages/")) == way
    assert own_frames(told.replace(f"{ROOT}/", "/venv/lib/python3.11/site-packages/other/")) == ()


@given(st.text())
def test_masking_is_idempotent(message: str) -> None:
    assert masked(masked(message)) == masked(message)
