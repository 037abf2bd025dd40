"""What was committed is counted: by outcome and reason, and by age where it went all the way."""

import time

from prometheus_client import REGISTRY

from schemas.dead_letters import Reason
from services.worker.counting import count, show_from_the_beginning
from services.worker.transform import Outcome


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_each_outcome_counts_once_and_only_what_went_all_the_way_has_an_age() -> None:
    source = "tests.counting"
    show_from_the_beginning()
    processed = {"outcome": "processed", "reason": "none"}
    dead = {"outcome": "dead_letter", "reason": Reason.EMPTY_BODY}
    before = [value("tagwire_documents_total", **labels) for labels in (processed, dead)]

    received_at_ms = int(time.time() * 1000) - 2_000
    good = Outcome((), "a", source=source, received_at_ms=received_at_ms)
    count([good, good, Outcome((), None, Reason.EMPTY_BODY, "0 bytes")])

    after = [value("tagwire_documents_total", **labels) for labels in (processed, dead)]
    assert [late - early for late, early in zip(after, before, strict=True)] == [2, 1]
    assert value("tagwire_document_age_seconds_count", source=source) == 2
    assert value("tagwire_document_age_seconds_sum", source=source) >= 2 * 2.0


def test_a_record_from_the_future_has_no_negative_age() -> None:
    source = "tests.counting.future"

    count([Outcome((), "a", source=source, received_at_ms=int(time.time() * 1000) + 60_000)])

    assert value("tagwire_document_age_seconds_sum", source=source) == 0
