"""What aiokafka is given to reach a cluster, and how what is under way is ended."""

import asyncio
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.topics import RAW
from services.kafka import client
from services.kafka.settings import KafkaSettings


def test_a_plain_cluster_needs_its_address_only() -> None:
    given = client.connection(KafkaSettings(bootstrap_servers="a:1,b:2"))

    assert given["bootstrap_servers"] == "a:1,b:2"
    assert given["security_protocol"] == "PLAINTEXT"
    assert "ssl_context" not in given


def test_sasl_fields_are_given_as_aiokafka_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_PLAIN_USERNAME": "tagwire",
        "SASL_PLAIN_PASSWORD": "hush",
    }.items():
        monkeypatch.setenv(f"TAGWIRE_KAFKA_{name}", value)
    settings = KafkaSettings()

    given = client.connection(settings)

    assert (given["sasl_mechanism"], given["sasl_plain_username"]) == ("SCRAM-SHA-512", "tagwire")
    assert given["sasl_plain_password"] == "hush"
    assert given["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert "hush" not in repr(settings)


def test_a_client_certificate_is_loaded_with_its_password(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-subj", "/CN=t", "-passout", "pass:hush"]
    try:
        subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the openssl command, in every system's package of that name")
    files = {"ssl_cafile": str(certificate), "ssl_certfile": str(certificate), "ssl_keyfile": str(key)}

    given = client.connection(KafkaSettings(security_protocol="SSL", ssl_password="hush", **files))  # type: ignore[arg-type]

    assert len(given["ssl_context"].get_ca_certs()) == 1
    with pytest.raises(ssl.SSLError):
        client.connection(KafkaSettings(security_protocol="SSL", ssl_password="wrong", **files))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("topic_prefix", "group_prefix", "names"),
    [
        pytest.param("", None, ("documents.raw", "workers"), id="no prefix"),
        pytest.param("x.", None, ("x.documents.raw", "x.workers"), id="groups take the topics' prefix"),
        pytest.param("x.", "", ("x.documents.raw", "workers"), id="or none"),
        pytest.param("x.", "team-", ("x.documents.raw", "team-workers"), id="or their own"),
    ],
)
def test_prefixes(topic_prefix: str, group_prefix: str | None, names: tuple[str, str]) -> None:
    settings = KafkaSettings(topic_prefix=topic_prefix, group_prefix=group_prefix)

    assert (settings.topic(RAW), settings.group("workers")) == names


@pytest.mark.parametrize("wrong", [{"topic_prefix": "a b"}, {"bootstrap_servers": ""}, {"security_protocol": "TLS"}])
def test_a_wrong_setting_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        KafkaSettings(**wrong)  # type: ignore[arg-type]


def test_a_password_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(ValidationError, match="SCRAM-SHA-256 needs TAGWIRE_KAFKA_SASL_PLAIN_USERNAME"):
        KafkaSettings(security_protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-256", sasl_plain_username="me")


async def test_a_task_is_ended_though_it_swallows_a_cancellation_and_its_ender_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "CANCEL_AGAIN_S", 0.05)
    swallowed = asyncio.Event()

    async def swallows_one() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        swallowed.set()
        await asyncio.sleep(3600)

    task = asyncio.create_task(swallows_one())
    await asyncio.sleep(0)
    ending = asyncio.create_task(client.end(task))
    await swallowed.wait()
    ending.cancel()
    await asyncio.wait({ending})

    assert ending.cancelled()
    assert task.cancelled()
