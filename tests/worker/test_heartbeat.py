"""What a worker is called, where it is reached, and how often it says so."""

import os
import re

import pytest
from pydantic import ValidationError

from services.worker.heartbeat import identity, reachable
from services.worker.settings import WorkerSettings


def test_two_workers_of_a_process_differ_and_both_name_host_and_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "web 1/ä")

    one, other = identity("x.tagwire-clean-route"), identity("x.tagwire-clean-route")

    assert one.id != other.id
    assert re.fullmatch(rf"x\.tagwire-clean-route-web-1--{os.getpid()}-[0-9a-f]{{4}}", one.id)
    assert (one.host, one.pid) == ("web 1/ä", os.getpid())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(None, None, id="nowhere"),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="on this machine"),
        pytest.param("http://0.0.0.0:8080", "http://web-1:8080", id="everywhere"),
        pytest.param("http://[::]:8080", "http://web-1:8080", id="everywhere by version 6"),
        pytest.param("http://[fe80::1]:8080", "http://[fe80::1]:8080", id="one address of version 6"),
    ],
)
def test_the_address_is_one_that_others_can_use(address: str | None, expected: str | None) -> None:
    assert reachable(address, "web-1") == expected


@pytest.mark.parametrize(("given", "expected"), [("2.5", 2.5), ("0", 0), ("null", 0), ("", 0)])
def test_the_interval_is_seconds_or_none(given: str, expected: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_HEARTBEAT_S", given)

    assert WorkerSettings().heartbeat_s == expected


@pytest.mark.parametrize("given", ["0.5", "61", "-1", "often", "nan"])
def test_an_interval_that_is_none_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGWIRE_WORKER_HEARTBEAT_S", given)

    with pytest.raises(ValidationError, match="heartbeat_s"):
        WorkerSettings()
