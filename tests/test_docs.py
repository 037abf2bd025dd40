"""What the docs name exists, and what exists is named."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pydantic_settings import BaseSettings

from services.core.lag_status import Status
from services.insights.settings import InsightSettings
from services.kafka.embedded.broker import EmbeddedSettings
from services.kafka.settings import KafkaSettings
from services.monitor.settings import MonitorSettings
from services.telemetry import insight_metrics, metrics
from services.telemetry.lag_metrics import FAMILIES
from services.worker.settings import WorkerSettings

ROOT = Path(__file__).parents[1]
OPERATING = (ROOT / "docs/operating.md").read_text()
MONITOR = (ROOT / "docs/monitor.md").read_text()
SUFFIXES = {"counter": "_total", "info": "_info"}
"""What the client adds to the names of a type."""
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]


@pytest.mark.parametrize("model", [KafkaSettings, WorkerSettings, MonitorSettings, InsightSettings, EmbeddedSettings])
def test_every_setting_is_in_the_operators_page_and_no_other(model: type[BaseSettings]) -> None:
    prefix = model.model_config["env_prefix"]
    named = set(re.findall(rf"`({prefix}[A-Z_]+)`", OPERATING))

    assert named == {f"{prefix}{name.upper()}" for name in model.model_fields}


def test_every_metric_is_in_the_operators_page_and_no_other() -> None:
    named = set(re.findall(r"`(tagwire_[a-z_]+)[`{]", OPERATING))
    assert metrics.BUILD  # which registers them all
    found = [*REGISTRY.collect(), *insight_metrics.REGISTRY.collect()]
    ours = [family for family in found if family.name.startswith("tagwire_")]

    assert named == {family.name + SUFFIXES.get(family.type, "") for family in ours}


def test_every_metric_of_the_monitor_is_in_its_page_and_no_other() -> None:
    named = set(re.findall(r"`((?:kafka|burrow|tagwire)_[a-z_]+)`", MONITOR))

    assert named == {family.name for family in FAMILIES}


def test_every_status_is_in_the_monitors_page() -> None:
    assert re.findall(r"^\| `([A-Z]+)` \|", MONITOR, re.MULTILINE) == list(Status)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
