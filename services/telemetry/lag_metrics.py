"""
Every metric of the monitor: name, labels and unit, in one list.

The names are those that dashboards know: kafka-lag-exporter's with klag-exporter's additions, and Burrow's. What is
not known has no sample; it is never NaN, which would spoil every sum that it is in.
"""

from dataclasses import dataclass
from typing import Final, Literal

_GROUP: Final = ("cluster_name", "group")
_GROUP_PARTITION: Final = (*_GROUP, "topic", "partition")
_PARTITION: Final = ("cluster_name", "topic", "partition")
_BURROW_GROUP: Final = ("cluster", "consumer_group")
_BURROW_PARTITION: Final = (*_BURROW_GROUP, "topic", "partition")


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    documentation: str
    labels: tuple[str, ...] = ("cluster_name",)
    type: Literal["gauge", "counter"] = "gauge"


GROUP_OFFSET: Final = Family(
    "kafka_consumergroup_group_offset", "Next offset that the group will read.", _GROUP_PARTITION
)
GROUP_LAG: Final = Family(
    "kafka_consumergroup_group_lag", "Offsets that a read-committed reader still has before it.", _GROUP_PARTITION
)
GROUP_LAG_SECONDS: Final = Family(
    "kafka_consumergroup_group_lag_seconds",
    "For how long the first unread record has been waiting; 0 when there is none.",
    _GROUP_PARTITION,
)
GROUP_MESSAGES_LOST: Final = Family(
    "kafka_consumergroup_group_messages_lost", "Offsets that were deleted before the group read them.", _GROUP_PARTITION
)
GROUP_RETENTION_MARGIN: Final = Family(
    "kafka_consumergroup_group_retention_margin",
    "Offsets between the oldest one that is kept and the group; below 0: lost.",
    _GROUP_PARTITION,
)
GROUP_RETENTION_RATIO: Final = Family(
    "kafka_consumergroup_group_lag_retention_ratio",
    "Unread share of what the partition still holds, in percent; above 100: lost.",
    _GROUP_PARTITION,
)
GROUP_MAX_LAG: Final = Family("kafka_consumergroup_group_max_lag", "The largest lag of the group's partitions.", _GROUP)
GROUP_MAX_LAG_SECONDS: Final = Family(
    "kafka_consumergroup_group_max_lag_seconds", "The longest wait in the group's partitions.", _GROUP
)
GROUP_SUM_LAG: Final = Family("kafka_consumergroup_group_sum_lag", "The lag of all of the group's partitions.", _GROUP)
GROUP_TOPIC_SUM_LAG: Final = Family(
    "kafka_consumergroup_group_topic_sum_lag", "The lag of all partitions of a topic.", (*_GROUP, "topic")
)
GROUP_STATE: Final = Family(
    "kafka_consumergroup_group_state", "1 for the group's state, as the broker calls it.", (*_GROUP, "state")
)
LATEST_OFFSET: Final = Family("kafka_partition_latest_offset", "Where a read-committed reader ends.", _PARTITION)
EARLIEST_OFFSET: Final = Family("kafka_partition_earliest_offset", "First offset that is kept.", _PARTITION)
POLL_TIME: Final = Family("kafka_consumergroup_poll_time_ms", "What the last look at the cluster took.")
UP: Final = Family("kafka_lag_exporter_up", "1: the last look went well.")
LAST_UPDATE: Final = Family(
    "kafka_lag_exporter_last_update_timestamp_seconds", "When the cluster was last looked at, since 1970."
)
DATA_LOSS: Final = Family(
    "kafka_lag_exporter_data_loss_partitions_total", "Partitions of groups that have lost records.", type="counter"
)

BURROW_GROUP_STATUS: Final = Family(
    "burrow_kafka_consumer_status", "0 not found, 1 OK, 2 WARN, 3 ERR: by the worst of its partitions.", _BURROW_GROUP
)
BURROW_PARTITION_STATUS: Final = Family(
    "burrow_kafka_topic_partition_status", "1 OK, 2 WARN, 3 ERR, 4 STOP, 5 STALL, 6 REWIND.", _BURROW_PARTITION
)
BURROW_GROUP_LAG: Final = Family("burrow_kafka_consumer_lag_total", "The lag of all partitions.", _BURROW_GROUP)
BURROW_PARTITION_LAG: Final = Family(
    "burrow_kafka_consumer_partition_lag", "The lag of a partition.", _BURROW_PARTITION
)
BURROW_OFFSET: Final = Family(
    "burrow_kafka_consumer_current_offset", "Next offset that the group will read.", _BURROW_PARTITION
)
BURROW_TOPIC_OFFSET: Final = Family(
    "burrow_kafka_topic_partition_offset", "Where a read-committed reader ends.", ("cluster", "topic", "partition")
)

STATUS: Final = Family("tagwire_group_status", "1 for the group's status.", (*_GROUP, "status"))
BLOCKED: Final = Family(
    "tagwire_partition_blocked_offsets",
    "Offsets that an open transaction hides from read-committed readers.",
    _PARTITION,
)
LOOKS: Final = Family(
    "tagwire_looks_total", "Looks at the cluster. outcome: done or failed.", ("cluster_name", "outcome"), "counter"
)
UNREADABLE: Final = Family("tagwire_look_errors", "Groups and brokers that the last look could not read.")

FAMILIES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Family))
