"""Records that are not what their topic holds -> dead letters."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

import structlog

from schemas.dead_letters import Reason
from schemas.documents import Model
from schemas.topics import DEAD_LETTER
from services.core.fingerprint import signature
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.records import Placed, Record
from services.kafka.settings import KafkaSettings
from services.telemetry.insight_metrics import DEAD_LETTERS

log = structlog.get_logger()

STAGE: Final = "insights"

ModelT = TypeVar("ModelT", bound=Model)


def check_fingerprints(fingerprints: Iterable[str | None]) -> None:
    """Raise Rejected for what is no fingerprint; None is that of a text too short for one."""
    try:
        for each in fingerprints:
            if each:
                signature(each)
    except ValueError as error:
        raise Rejected(Reason.INVALID_DOCUMENT, f"fingerprint: {error}") from None


class RefusedRecord(NamedTuple):
    record: Record
    why: Rejected


def decoded(
    records: Iterable[Record], model: type[ModelT], *, also: Callable[[ModelT], None] = lambda _: None
) -> tuple[list[tuple[Record, ModelT]], list[RefusedRecord]]:
    """Return the records that hold what they should, and the others. `also` raises Rejected for further reasons."""
    taken: list[tuple[Record, ModelT]] = []
    refused: list[RefusedRecord] = []
    for record in records:
        try:
            held = codec.decode(record, model)
            also(held)
        except Rejected as why:
            refused.append(RefusedRecord(record, why))
        else:
            taken.append((record, held))
    return taken, refused


class Refused:
    """Writes dead letters for a group, and counts them."""

    def __init__(self, kafka: KafkaSettings, group: str) -> None:
        self._topic = kafka.topic(DEAD_LETTER)
        self._group = group

    def letters(self, refused: Sequence[RefusedRecord]) -> list[Placed]:
        letters = []
        for record, why in refused:
            letter = codec.dead_letter(
                record, reason=why.reason, stage=STAGE, message=why.message, exception=None, group=self._group
            )
            letters.append(Placed(self._topic, None, letter.key, letter.value, letter.headers))
        return letters

    @staticmethod
    def count(refused: Sequence[RefusedRecord]) -> None:
        """Count and log them, once they are written."""
        for record, why in refused:
            DEAD_LETTERS.labels(why.reason).inc()
            log.warning(
                "record_rejected",
                stage=STAGE,
                reason=why.reason,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
            )
