"""The errors of the cluster that a command turns into one sentence."""

from aiokafka.errors import KafkaError

__all__ = ["KafkaError"]
