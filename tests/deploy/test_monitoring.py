"""Alerts and dashboard use what is served, and the alerts fire when they should."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from prometheus_client import REGISTRY

from services.core.lag_status import WRONG
from services.telemetry import insight_metrics, metrics
from services.telemetry.lag_metrics import FAMILIES

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy/prometheus/tagwire.rules.yml"
CONFIG = ROOT / "deploy/prometheus/prometheus.yml"
DASHBOARD = ROOT / "deploy/grafana/tagwire.json"
COMPOSE = ROOT / "deploy/compose.yaml"
DOCKERFILE = ROOT / "deploy/Dockerfile"
RULE_TESTS = Path(__file__).parent / "tagwire.rules.test.yml"

WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "offset", "bool", "group_left", "group_right"}
GROUPED = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"], "gauge": [""]}


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression of PromQL reads."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = GROUPED.sub("", re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare))
    return set(re.findall(r"[a-zA-Z_:][\w:]*(?![\w:]*\s*\()", bare)) - WORDS


def served() -> set[str]:
    """Return what a monitor serves (test_server.py compares a scrape with that list), a worker and insights."""
    assert metrics.BUILD  # which registers them all
    found = [*REGISTRY.collect(), *insight_metrics.REGISTRY.collect()]
    services = {family.name + suffix for family in found for suffix in SUFFIXES.get(family.type, [""])}
    return {family.name for family in FAMILIES} | services | {"up"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    dashboard = orjson.loads(DASHBOARD.read_bytes())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield re.sub(r"label_values\((.*), \w+\)", r"\1", variable["definition"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('sum by (le) (rate(a_bucket{job="x"}[5m])) > 60', {"a_bucket"}),
        ("time() - b_seconds > 120 or c == 1", {"b_seconds", "c"}),
        ("topk(15, sum by (topic) (d - on (x) e))", {"d", "e"}),
    ],
)
def test_the_names_in_an_expression_are_found(expression: str, expected: set[str]) -> None:
    assert names_in(expression) == expected


def test_every_metric_that_is_read_is_served() -> None:
    read = {name for expression in expressions() for name in names_in(expression)}

    assert read - served() == set()
    assert len(read) > 20


def test_every_status_that_is_wrong_has_an_alert() -> None:
    told = {
        status
        for rule in rules()
        for statuses in re.findall(r'status=~?"([A-Z|]+)"', rule["expr"])
        for status in statuses.split("|")
    }

    assert told == {str(status) for status in WRONG}


def test_every_alert_says_what_is_wrong_and_how_badly() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule
        assert rule["annotations"]["summary"].endswith("."), rule


def test_what_is_scraped_is_where_the_services_answer() -> None:
    config = yaml.safe_load(CONFIG.read_text())

    assert config["rule_files"] == [RULES.name]
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "tagwire-monitor",
        "tagwire-insights",
        "tagwire-worker",
    ]


def test_compose_publishes_nothing_beyond_this_machine() -> None:
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    ports = {name: port for name, service in services.items() for port in service.get("ports", [])}

    assert set(ports) == {"kafka", "monitor"}
    assert all(port.startswith("127.0.0.1:") for port in ports.values())
    assert services["monitor"]["environment"]["TAGWIRE_KAFKA_BOOTSTRAP_SERVERS"] == "kafka:19092"
    assert services["monitor"]["command"] == ["monitor"]
    assert services["insights"]["command"] == ["insights"]


def test_what_compose_keeps_lies_in_a_volume_that_the_image_lets_its_user_write() -> None:
    insights = yaml.safe_load(COMPOSE.read_text())["services"]["insights"]
    (volume,) = insights["volumes"]
    folder = volume.partition(":")[2]

    assert insights["environment"]["TAGWIRE_INSIGHTS_DATA_FOLDER"].startswith(f"{folder}/")
    assert f"--owner=tagwire --group=tagwire {folder}\n" in DOCKERFILE.read_text()


def test_panels_have_places_and_numbers_of_their_own() -> None:
    panels = orjson.loads(DASHBOARD.read_bytes())["panels"]
    cells = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        assert os.environ.get("CI") != "true", "CI has no promtool"
        pytest.skip("promtool is not installed: it comes with Prometheus, as in Debian's package prometheus")
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "rules", RULES], id="the rules are rules"),
        pytest.param(["check", "config", CONFIG], id="the configuration is one"),
        pytest.param(["test", "rules", RULE_TESTS], id="the alerts fire when they should"),
    ],
)
def test_promtool_says(promtool: str, arguments: list[str | Path]) -> None:
    ran = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stdout + ran.stderr
