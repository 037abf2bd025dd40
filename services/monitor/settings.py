"""How the monitor works: the environment variables that begin with TAGWIRE_MONITOR_."""

import re
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class MonitorSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TAGWIRE_MONITOR_", frozen=True, use_attribute_docstrings=True)

    cluster_name: Annotated[str, Field(min_length=1, max_length=200)] = "kafka"
    """What the cluster is called in metrics and in the paths under `/v3/kafka`."""
    interval_s: Annotated[float, Field(ge=0.1, le=3600)] = 10.0
    """Seconds from one look at the cluster to the next."""
    groups: str = ""
    """Regular expression; only groups whose whole name matches are looked at. Empty: all of them."""
    samples: Annotated[int, Field(ge=2, le=100)] = 3
    """Looks in a row that must agree before a group is said to stand still or to fall behind."""
    window: Annotated[int, Field(ge=2, le=1000)] = 12
    """Looks that are kept of each partition of a group, for its status."""
    history: Annotated[int, Field(ge=2, le=10_000)] = 360
    """Looks that are kept of each group's lag, for the page, and of each partition's end, for lag in seconds."""
    allowed_lag: Annotated[int, Field(ge=0)] = 0
    """Records that a group may always be behind."""
    risk_percent: Annotated[float, Field(gt=0, le=100)] = 80.0
    """Unread share of what a partition still holds, from which on retention is said to be a risk."""
    documents: Annotated[int, Field(ge=0, le=1000)] = 50
    """Latest documents that are kept for the page."""
    dead_letters: Annotated[int, Field(ge=0, le=100_000)] = 1000
    """Latest dead letters that are kept for the page, without their bodies."""
    http_host: str = "127.0.0.1"
    """Address of the page, the API and the metrics. Whoever reaches it reads titles of documents and group names."""
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8070
    """0: a free port, told in the log."""
    token: SecretStr | None = None
    """What `Authorization: Bearer …` must say to whoever wants to change something. None: nothing can be changed."""

    @field_validator("groups")
    @classmethod
    def _is_expression(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return value

    @field_validator("token")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and 0 < len(value.get_secret_value()) < 16:
            raise ValueError("expected 16 characters at least")
        return value or None  # as a compose file passes on what is not set

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.window < self.samples:
            raise ValueError("TAGWIRE_MONITOR_WINDOW must not be less than TAGWIRE_MONITOR_SAMPLES")
        return self

    def includes(self, group: str) -> bool:
        """Whether a group is looked at."""
        return not self.groups or re.fullmatch(self.groups, group) is not None
