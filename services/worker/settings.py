"""How a worker works: the environment variables that begin with TAGWIRE_WORKER_."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.worker.flow import StageName


class WorkerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TAGWIRE_WORKER_", frozen=True, use_attribute_docstrings=True)

    batch_records: Annotated[int, Field(ge=1, le=2000)] = 200
    """Records in one transaction, at most. Larger is faster, and repeats more work after a crash."""
    publish: frozenset[StageName] = frozenset()
    """Stages on the way whose documents are written too: `["clean", "enrich"]`. The last stage's always are."""
