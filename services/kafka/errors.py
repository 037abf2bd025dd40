"""Errors -> the sentence that a command ends with."""

import re
from typing import Final

from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

CLUSTER_ERRORS: Final = (KafkaError, TimeoutError, OSError)
"""What a cluster raises that is away, or busy, or refuses: it may answer the next time."""
ADDRESS: Final = re.compile(r"\('([^']+)', (\d+)")
"""As aiokafka prints the servers that it tried."""


def explained(error: Exception) -> str | None:
    """
    Return what a user is told of an error, or None for one that nobody foresaw: then its traceback says more.

    Our own errors are made to be read, and those of the system (a port in use, a full disk, a wrong certificate); those
    of the cluster are put into words.
    """
    if isinstance(error, KafkaConnectionError):
        servers = ", ".join(f"{host}:{port}" for host, port in ADDRESS.findall(str(error)))
        return f"Kafka does not answer at {servers or error}. `tagwire up` starts one here; -b names another."
    if isinstance(error, TopicAuthorizationFailedError):
        return f"Kafka refuses access to a topic: {error}"
    if isinstance(error, KafkaError):
        return f"Kafka: {error}"
    is_meant_for_users = isinstance(error, OSError) or type(error).__module__.startswith("services.")
    return str(error) if is_meant_for_users else None
