"""
A span of OpenTelemetry for each record that is processed, in the trace that its headers name.

What the record becomes, a dead letter too, names that span as its parent: after a redrive one trace shows the run that
failed and the one that was repaired. Needs the extra `traces`; names follow the semantic conventions for messaging.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from schemas import headers
from services.kafka.records import Record, header
from services.worker.transform import Outcome, Process

FIELDS: Final = (headers.TRACEPARENT, headers.TRACESTATE)
TOLD_CHARACTERS: Final = 200
"""Of an id that a record claims."""
FLUSH_S: Final = 3.0
"""For the last spans, when the worker stops."""
SERVICE: Final = "tagwire-worker"
_PROPAGATOR: Final = TraceContextTextMapPropagator()


@asynccontextmanager
async def otlp_tracer(version: str) -> AsyncIterator[Tracer]:
    """
    Send spans by OTLP over HTTP while the context lasts, and what is left at its end.

    The variables of OpenTelemetry say where (OTEL_EXPORTER_OTLP_ENDPOINT), which (OTEL_TRACES_SAMPLER) and under what
    name (OTEL_SERVICE_NAME). A collector that is away loses spans and nothing else.
    """
    # What the environment says goes over this.
    resource = Resource({SERVICE_NAME: SERVICE, SERVICE_VERSION: version}).merge(Resource.create())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer("tagwire", version)
    finally:
        ending = asyncio.ensure_future(asyncio.to_thread(provider.shutdown))
        await asyncio.wait({ending}, timeout=FLUSH_S)
        await asyncio.to_thread(exporter.shutdown)  # else it goes on trying for half a minute
        await ending


def traced(process: Process, tracer: Tracer, *, group: str) -> Process:
    """Return `process` with a span for each record, which ends before what became of it is committed."""

    async def process_traced(records: Sequence[Record]) -> Sequence[Outcome]:
        spans = [_begin(tracer, record, group) for record in records]
        try:
            outcomes = await process([_under(span, record) for span, record in zip(spans, records, strict=True)])
        except BaseException:
            for span in spans:
                span.set_status(Status(StatusCode.ERROR, "not finished: will be done again"))
                span.end()
            raise
        for span, outcome in zip(spans, outcomes, strict=True):
            _tell(span, outcome)
            span.end()
        return outcomes

    return process_traced


def _begin(tracer: Tracer, record: Record, group: str) -> Span:
    carrier = {name: value for name in FIELDS if (value := header(record.headers, name))}
    return tracer.start_span(
        f"process {record.topic}",
        context=_PROPAGATOR.extract(carrier),
        kind=SpanKind.CONSUMER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            "messaging.consumer.group.name": group,
        },
    )


def _under(span: Span, record: Record) -> Record:
    """Return the record with the span in its headers, which all that it becomes carries on."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, set_span_in_context(span))
    others = tuple(pair for pair in record.headers if pair[0] not in FIELDS)
    return record._replace(headers=(*others, *((name, value.encode()) for name, value in carrier.items())))


def _tell(span: Span, outcome: Outcome) -> None:
    if outcome.document_id is not None:
        span.set_attribute("tagwire.document.id", outcome.document_id[:TOLD_CHARACTERS])
    if outcome.reason is not None:
        span.set_attribute("error.type", outcome.reason)
        span.set_status(Status(StatusCode.ERROR, outcome.message))
