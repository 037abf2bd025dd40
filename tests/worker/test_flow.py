"""The table holds together: each stage reads what the one before writes, and its step's types say the same."""

from itertools import pairwise
from typing import get_type_hints

import pytest

from schemas.topics import RAW
from services.worker.flow import JOURNEY, Stage, stages


def test_each_stage_reads_what_the_one_before_writes() -> None:
    assert JOURNEY[0].reads is RAW
    assert all(stage.reads is before.writes for before, stage in pairwise(JOURNEY))


@pytest.mark.parametrize("stage", JOURNEY, ids=lambda stage: stage.name)
def test_the_types_of_a_step_are_the_models_of_its_topics(stage: Stage) -> None:
    hints = get_type_hints(stage.step)
    assert hints["document"] is stage.reads.model
    if stage.writes is None:
        assert hints["return"] == tuple[str, ...]
    else:
        assert hints["return"] is stage.writes.model


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("clean", ["clean"]),
        ("enrich-route", ["enrich", "classify", "route"]),
        ("clean-route", ["clean", "enrich", "classify", "route"]),
        ("route-route", ["route"]),
    ],
)
def test_a_run_of_stages_is_named_by_its_first_and_last(text: str, names: list[str]) -> None:
    assert [stage.name for stage in stages(text)] == names


@pytest.mark.parametrize("text", ["", "publish", "enrich-clean", "clean-", "-clean", "clean-enrich-route"])
def test_anything_else_is_no_run_of_stages(text: str) -> None:
    with pytest.raises(ValueError, match="no run of stages"):
        stages(text)
