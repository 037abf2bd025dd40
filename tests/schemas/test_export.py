import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas import export
from schemas.asyncapi import SCHEMA_FILES
from schemas.documents import ClassifiedDocument, RawDocument
from schemas.taxonomy import TopicDefinition
from schemas.workers import WorkerHeartbeat
from tests.heartbeats import heartbeat

# Every field is filled.
SAMPLE = json.loads((Path(__file__).parent / "classified-document.json").read_text(encoding="utf-8"))


def validator(model: Any) -> Draft202012Validator:
    return Draft202012Validator(export.json_schema(model))


def test_what_is_committed_is_what_the_models_say() -> None:
    assert export.stale(export.EXPORTED) == [], "run `tagwire schemas export`"


@pytest.mark.parametrize("model", [*SCHEMA_FILES, TopicDefinition])
def test_a_schema_is_valid_itself(model: Any) -> None:
    schema = export.json_schema(model)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:tagwire:")
    assert schema["title"] == model.__name__
    assert schema["description"]


def test_the_export_is_the_same_each_time() -> None:
    assert export.exported() == export.exported()


def test_missing_changed_and_left_over_files_are_stale(tmp_path: Path) -> None:
    assert export.write(tmp_path) == sorted(export.exported())
    assert export.stale(tmp_path) == []
    (tmp_path / "asyncapi.json").unlink()
    (tmp_path / "raw-document.schema.json").write_text("{}")
    (tmp_path / "withdrawn.schema.json").write_text("{}")
    changed = ["asyncapi.json", "raw-document.schema.json", "withdrawn.schema.json"]
    assert export.stale(tmp_path) == changed
    assert export.write(tmp_path) == changed
    assert export.stale(tmp_path) == []


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(export, "EXPORTED", tmp_path / "exported")
    monkeypatch.setattr(export, "RELEASED", tmp_path / "released")
    assert export.main(["--check"]) == 1
    assert "run `tagwire schemas export`" in capsys.readouterr().err
    assert export.main(["--release"]) == 0
    assert export.main(["--check"]) == 0
    assert export.main(["--chekc"]) == 2
    assert sorted(path.name for path in (tmp_path / "released").iterdir()) == sorted(
        name for name in export.exported() if name != "asyncapi.json"
    )


def test_a_classified_document_fits_its_schema() -> None:
    assert SAMPLE.keys() == ClassifiedDocument.model_fields.keys()
    written = ClassifiedDocument.model_validate(SAMPLE).model_dump_json(exclude_none=True)
    assert json.loads(written) == SAMPLE
    validator(ClassifiedDocument).validate(SAMPLE)
    assert not validator(ClassifiedDocument).is_valid({**SAMPLE, "language_confidence": 2})


def test_a_heartbeat_fits_its_schema_with_an_address_and_without() -> None:
    for address in ("http://web-1:8080", None):
        told = heartbeat(http_address=address)
        written = json.loads(told.model_dump_json(exclude_none=True))
        validator(WorkerHeartbeat).validate(written)
        assert WorkerHeartbeat.model_validate_json(json.dumps(written)) == told


MAYBE_TEXT = st.sampled_from(["", "text", None, 3])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "id": MAYBE_TEXT,
            "source": MAYBE_TEXT,
            "body": MAYBE_TEXT,
            "body_base64": st.sampled_from(["dGV4dA==", None, 3]),
            "media_type": st.sampled_from(["text/html", "text/xml", None]),
            "version": st.sampled_from([0, 1, "1", True, None, 2**53]),
            "status": st.sampled_from(["usable", "withdrawn", "gone", None]),
            "meta": st.sampled_from([{}, {"a": "b"}, {"a": 1}, [], None]),
            "unknown": MAYBE_TEXT,
        },
    )
)
def test_schema_and_model_agree_on_what_a_raw_document_is(fields: dict[str, Any]) -> None:
    try:
        RawDocument.model_validate(fields)
        accepted = True
    except ValidationError:
        accepted = False
    assert validator(RawDocument).is_valid(fields) is accepted
