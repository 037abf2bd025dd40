"""Names of the record headers that tagwire reads and writes. Values are UTF-8 text."""

from typing import Final

# CloudEvents 1.0, Kafka protocol binding, binary content mode.
CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_SOURCE: Final = "ce_source"
CE_TYPE: Final = "ce_type"
CE_TIME: Final = "ce_time"
CONTENT_TYPE: Final = "content-type"

# Our own, on every output.
TAGS: Final = "tags"
"""Comma-separated tag ids, most relevant first, so that a subscriber may skip without parsing the body."""
LANGUAGE: Final = "language"
ORIGIN: Final = "tagwire-origin"
"""`topic/partition/offset` of the raw record."""

UNREADABLE: Final = "tagwire-unreadable"
"""Only on the dead letter of a record that no client could give us: why. Key and value are where it came from."""

# W3C Trace Context, carried through.
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

# Dead letters: the header names that Spring Kafka made known, so that its tools and UIs find their way.
DLT_TOPIC: Final = "kafka_dlt-original-topic"
DLT_PARTITION: Final = "kafka_dlt-original-partition"
DLT_OFFSET: Final = "kafka_dlt-original-offset"
DLT_TIMESTAMP: Final = "kafka_dlt-original-timestamp"
DLT_GROUP: Final = "kafka_dlt-original-consumer-group"
DLT_EXCEPTION: Final = "kafka_dlt-exception-fqcn"
DLT_MESSAGE: Final = "kafka_dlt-exception-message"
DLT_STACKTRACE: Final = "kafka_dlt-exception-stacktrace"
DLQ_REASON: Final = "dlq-reason"
DLQ_STAGE: Final = "dlq-stage"
DLQ_REPLAY_COUNT: Final = "dlq-replay-count"
DLQ_VALUE_LEFT_OUT: Final = "dlq-value-left-out"
"""Only where the original value was too large to be repeated: its length in bytes."""
