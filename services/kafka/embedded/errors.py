"""BrokerError: what keeps the embedded broker from running, in one sentence for its user."""


class BrokerError(Exception):
    """The embedded broker cannot start, or has ended by itself. The message says why, and what to do about it."""


class BrokerNotInstalledError(BrokerError):
    """The `embedded` extra or Kafka's jars are not on this machine, and cannot be fetched now."""
