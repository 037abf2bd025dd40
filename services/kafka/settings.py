"""Where the cluster is and how to reach it: the environment variables that begin with TAGWIRE_KAFKA_."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from schemas.topics import Topic

Prefix = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", max_length=100)]


SERVER: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\s\[\]]+):\d{1,5}")


class KafkaSettings(BaseSettings):
    """Names follow aiokafka's arguments, where aiokafka has one."""

    model_config = SettingsConfigDict(env_prefix="TAGWIRE_KAFKA_", frozen=True, use_attribute_docstrings=True)

    bootstrap_servers: Annotated[str, Field(min_length=1)] = "127.0.0.1:9092"
    """`host:port`, several separated by commas. The default is the embedded broker's."""
    topic_prefix: Prefix = ""
    """Put before every topic name, so that two installations share a cluster: `staging.`"""
    group_prefix: Prefix | None = None
    """Put before every consumer group and transactional id. None: the topic prefix."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ssl_cafile: FilePath | None = None
    """File of certificates that sign the brokers'. None: the system's."""
    ssl_certfile: FilePath | None = None
    """Client certificate, for mutual TLS."""
    ssl_keyfile: FilePath | None = None
    ssl_password: SecretStr | None = None
    """Of the key file."""
    sasl_mechanism: Literal["PLAIN", "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_plain_username: str | None = None
    """For PLAIN and SCRAM."""
    sasl_plain_password: SecretStr | None = None
    sasl_kerberos_service_name: str = "kafka"
    sasl_kerberos_domain_name: str | None = None
    session_timeout_ms: Annotated[int, Field(ge=6000, le=1_800_000)] = 10_000
    """Milliseconds without a heartbeat until a dead worker's partitions go to others. Brokers allow 6000 to 1800000."""

    @field_validator("bootstrap_servers")
    @classmethod
    def _are_servers(cls, value: str) -> str:
        for server in value.split(","):
            if not SERVER.fullmatch(server.strip()):
                raise ValueError(f"expected host:port, several separated by commas; got {server.strip()!r}")
        return value

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        needs_password = self.security_protocol.startswith("SASL") and self.sasl_mechanism != "GSSAPI"
        if needs_password and not (self.sasl_plain_username and self.sasl_plain_password):
            raise ValueError(f"{self.sasl_mechanism} needs TAGWIRE_KAFKA_SASL_PLAIN_USERNAME and _PASSWORD")
        return self

    def topic(self, topic: Topic | str) -> str:
        """Return a topic's name on the broker."""
        return self.topic_prefix + (topic if isinstance(topic, str) else topic.name)

    def group(self, name: str) -> str:
        """Return a consumer group's name on the broker."""
        return (self.topic_prefix if self.group_prefix is None else self.group_prefix) + name
