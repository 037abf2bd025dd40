"""How a worker works: the environment variables that begin with TAGWIRE_WORKER_."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.worker.flow import StageName

CPU_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
"""In a container: `quota period`, in microseconds, or `max period`."""


def usable_cores(quota: Path = CPU_QUOTA) -> int:
    """Return how many cores this process may use, which in a container are fewer than the machine has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = quota.read_text().split()
    except (OSError, ValueError):
        return cores
    return cores if allowed == "max" else max(1, min(cores, int(allowed) // int(period)))


def _words(value: Any) -> Any:
    """Take `clean,enrich` as an environment variable says it."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _or_zero(value: Any) -> Any:
    return 0 if value in {None, "", "null"} else value


def _slow_enough(value: float) -> float:
    if 0 < value < 1:
        raise ValueError("expected 0 for none, or 1 to 60")
    return value


class WorkerSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TAGWIRE_WORKER_", frozen=True, use_attribute_docstrings=True)

    publish: Annotated[frozenset[StageName], NoDecode, BeforeValidator(_words)] = frozenset()
    """Stages on the way whose documents are written too: `clean,enrich`. The last stage's always are."""
    children: Annotated[int, Field(ge=1, le=256)] = Field(default_factory=usable_cores)
    """Child processes that do the work, some 150 MB each."""
    batch_records: Annotated[int, Field(ge=1, le=2000)] = 2000
    """Records that are committed at once; a batch is also committed 50 ms after its first record was fetched."""
    in_flight_mb: Annotated[int, Field(ge=1)] = 64
    """Raw records in work at the same time, MiB. One larger document still passes."""
    document_cpu_s: Annotated[float, Field(gt=0, le=86_400)] = 20.0
    """CPU seconds that one document may take; then it is a dead letter `timeout`."""
    document_memory_mb: Annotated[int, Field(ge=64, le=2**20)] = 768
    """MiB that one document may take beyond what a child holds anyway; then it is a dead letter `memory`. Linux."""
    documents_per_child: Annotated[int, Field(ge=1)] = 50_000
    """Documents after which a child is renewed, so that nothing that leaks in a library adds up."""
    heartbeat_s: Annotated[float, Field(ge=0, le=60), AfterValidator(_slow_enough), BeforeValidator(_or_zero)] = 10.0
    """Seconds from one heartbeat in the topic `workers` to the next: 1 to 60. 0 or null: none is written."""
    traces: bool = False
    """Send a span for each document by OTLP; OTEL_EXPORTER_OTLP_ENDPOINT says where. Needs `tagwire[traces]`."""
    http_host: str = "127.0.0.1"
    """Address of `/healthz`, `/readyz` and `/metrics`. They take no commands; the metrics name sources of documents."""
    http_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """None: no HTTP. 0: a free port, told in the log."""
