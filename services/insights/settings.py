"""How insights work: the environment variables that begin with TAGWIRE_INSIGHTS_."""

from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.core.tag_numbers import TrendRules

GROUP: Final = "tagwire-insights"
"""Consumer group of all processes of insights, without the prefix."""


class InsightSettings(BaseSettings):
    """What changes an answer must be the same for all processes of an installation."""

    model_config = SettingsConfigDict(env_prefix="TAGWIRE_INSIGHTS_", frozen=True, use_attribute_docstrings=True)

    data_folder: Path = Path("~/.local/share/tagwire/insights")
    """Local copies of the tables (RocksDB), a folder for each process; what is lost of them comes back from Kafka."""
    http_host: str = "127.0.0.1"
    """Address of `/healthz`, `/readyz`, `/metrics` and the API. They take no commands, and ask for no password."""
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8060
    """0: a free port, told in the log."""
    story_window_h: Annotated[int, Field(ge=1, le=24 * 28)] = 72
    """Hours within which documents may be one story, by event time. Memory and tables grow with it."""
    kept_documents: Annotated[int, Field(ge=1)] = 200_000
    """Documents that a partition of bands keeps to compare with, some 1 KB of memory each; the latest."""
    similarity: Annotated[float, Field(ge=0.5, le=1)] = 0.7
    """Estimated Jaccard similarity from which on two documents are near duplicates."""
    interval_s: Annotated[int, Field(ge=10, le=3600)] = 300
    """Seconds of the intervals in which stories of a tag are counted; an hour is a multiple of it."""
    window_s: Annotated[int, Field(ge=10, le=43_200)] = 3600
    """Seconds of the window that is judged at the end of each interval: some intervals, half a day at most."""
    kept_days: Annotated[int, Field(ge=1, le=365)] = 28
    """Days from which is learned how many stories to expect; older documents are taken for new."""
    minimum_stories: Annotated[int, Field(ge=1)] = 5
    """Stories that a window must hold to be a burst."""
    start_score: Annotated[float, Field(gt=0)] = 5.0
    """A burst starts at this score: minus the decimal logarithm of the probability of so many stories."""
    end_score: Annotated[float, Field(gt=0)] = 2.0
    """A burst ends below this score."""
    minimum_lift: Annotated[float, Field(ge=1)] = 2.0
    """How many times as many stories as expected a burst has at least."""
    grace_s: Annotated[int, Field(ge=0)] = 120
    """Seconds by which the clock of trends goes behind the newest document, or the real time when none comes."""
    standby_replicas: Annotated[int, Field(ge=0, le=10)] = 0
    """Further processes that keep a copy of each table's partition, and take over without reading it first."""
    stall_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    """Seconds without progress, while records wait, after which `/healthz` answers 503."""

    @property
    def trend_rules(self) -> TrendRules:
        return TrendRules(
            interval_s=self.interval_s,
            window_s=self.window_s,
            baseline_days=self.kept_days,
            start_score=self.start_score,
            end_score=self.end_score,
            min_stories=self.minimum_stories,
            min_lift=self.minimum_lift,
        )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        assert self.trend_rules  # which raises ValueError, and names what does not fit
        return self
