"""A record in, the records it becomes out: decode, the stages, encode; or one dead letter that says why not."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from schemas.dead_letters import Reason
from schemas.topics import RAW, Topic, journey_topics, tag_topic
from services.core.rejections import Rejected
from services.kafka import codec
from services.kafka.records import Output, Record
from services.worker.flow import Context, Resources, Stage, StageName


@dataclass(frozen=True, slots=True)
class Plan:
    """What one worker does: a contiguous run of stages, and whose documents it writes."""

    stages: tuple[Stage, ...]
    group: str
    """Consumer group, as dead letters name it."""
    publish: frozenset[StageName] = frozenset()
    """Stages on the way whose documents are written, too; the last document's always is."""

    @property
    def reads(self) -> Topic:
        return self.stages[0].reads

    def writes(self, stage: Stage) -> bool:
        """Whether the document that comes out of this stage is written to its topic."""
        return stage.name in self.publish or stage is [row for row in self.stages if row.writes][-1]

    def topics(self, routed: Iterable[str]) -> tuple[Topic, ...]:
        """Return every topic that this plan reads or may write, given the tags that have a topic of their own."""
        written = {stage.writes for stage in self.stages if stage.writes and self.writes(stage)}
        routes = {tag_topic(tag) for tag in routed} if self.stages[-1].writes is None else set()
        used = {self.reads, *written, *routes}
        return tuple(topic for topic in journey_topics(routed) if topic in used or topic.model is None)


class Outcome(NamedTuple):
    """What became of one record. A dead letter is among the outputs like any other."""

    outputs: tuple[Output, ...]
    document_id: str | None
    """None: the record does not even claim one."""
    reason: Reason | None = None
    """None: all went well."""
    message: str = ""
    source: str = ""
    """Of a document that went all the way."""
    received_at_ms: int = 0
    """When its raw record entered Kafka: milliseconds since 1970, UTC."""

    @property
    def is_bug(self) -> bool:
        """Whether a step of ours failed, rather than the document."""
        return self.reason is Reason.STEP_FAILED


Process = Callable[[Sequence[Record]], Awaitable[Sequence[Outcome]]]
"""Records -> the outcome of each, in order."""


def transform(
    record: Record, plan: Plan, resources: Resources, enter: Callable[[int], None] = lambda _: None
) -> Outcome:
    """
    Process one record. Whatever is in it, this returns: no document can stop the partition.

    `enter` is told the index of each stage before it begins.
    """
    stage = plan.stages[0]
    document: Any = None
    try:
        document = codec.decode_raw(record) if plan.reads is RAW else codec.decode(record, _model(plan.reads))
        origin, trace = codec.origin_and_trace(record, plan.reads)
        context = Context(resources, codec.received_at(record))
        outputs: list[Output] = []
        for index, stage in enumerate(plan.stages):
            enter(index)
            result = stage.step(document, context)
            if stage.writes is None:
                encoded = outputs[-1] if outputs else codec.encode(document, stage.reads, origin=origin, trace=trace)
                outputs += [encoded._replace(topic=tag_topic(tag).name) for tag in result]
                continue
            document = result
            if plan.writes(stage):
                outputs.append(codec.encode(document, stage.writes, origin=origin, trace=trace))
        received_at_ms = int(document.received_at.timestamp() * 1000)
        return Outcome(tuple(outputs), document.id, source=document.source, received_at_ms=received_at_ms)
    except Rejected as rejected:
        reason, message, bug = rejected.reason, rejected.message, None
    except MemoryError:
        reason, message, bug = Reason.MEMORY, f"stage {stage.name} took more memory than a document may", None
    except Exception as error:  # noqa: BLE001  # a step is pure: it would fail again, so the record makes way
        reason, message, bug = Reason.STEP_FAILED, f"{type(error).__name__}: {error}", error
    document_id = codec.claimed_id(record) if document is None else document.id
    return dead(record, plan, stage, reason, message, document_id=document_id, bug=bug)


def dead(
    record: Record,
    plan: Plan,
    stage: Stage,
    reason: Reason,
    message: str,
    *,
    document_id: str | None,
    bug: Exception | None = None,
) -> Outcome:
    """Return the outcome of a record that died in a stage: one dead letter."""
    letter = codec.dead_letter(
        record, reason=reason, stage=stage.name, message=message, exception=bug, group=plan.group
    )
    return Outcome((letter,), document_id, reason, message)


def _model(topic: Topic) -> type[Any]:
    assert topic.model is not None
    return topic.model
