"""What became of records -> metrics of documents."""

import time
from collections import Counter
from collections.abc import Sequence

from schemas.dead_letters import Reason
from services.telemetry.metrics import DOCUMENT_AGE, DOCUMENTS
from services.worker.transform import Outcome


def show_from_the_beginning() -> None:
    """Give each counter of documents a 0, so that the first one of its kind is an increase."""
    DOCUMENTS.labels("processed", "none")
    for reason in Reason:
        DOCUMENTS.labels("dead_letter", reason)


def counted(outcome: str) -> int:
    """Return how many documents this process has `processed`, or made a `dead_letter` of."""
    samples = (sample for family in DOCUMENTS.collect() for sample in family.samples)
    return sum(int(s.value) for s in samples if s.name.endswith("_total") and s.labels["outcome"] == outcome)


def count(outcomes: Sequence[Outcome]) -> None:
    """Count what was committed."""
    now_ms = time.time() * 1000
    for outcome in outcomes:
        if outcome.reason is None:
            DOCUMENT_AGE.observe(outcome.source, max(0.0, now_ms - outcome.received_at_ms) / 1000)
    for reason, documents in Counter(outcome.reason for outcome in outcomes).items():
        DOCUMENTS.labels("processed" if reason is None else "dead_letter", reason or "none").inc(documents)
