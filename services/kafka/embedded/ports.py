"""Ports of this machine's loopback: a free one, and who has a taken one."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.kafka.embedded.errors import BrokerError

LOOPBACK: Final = "127.0.0.1"
LISTENING: Final = "0A"  # TCP_LISTEN in <net/tcp_states.h>


def free_port(preferred: int = 0) -> int:
    """
    Return a port that nobody listens on now: the preferred one, if it is free.

    Somebody may listen a moment later; the kernel seldom gives one twice.
    """
    for wanted in (preferred, 0):
        with socket.socket() as probe, suppress(OSError):
            if wanted:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, wanted))
            port: int = probe.getsockname()[1]
            return port
    raise BrokerError(f"{LOOPBACK} has no free port.")


def require_free(port: int) -> None:
    """Raise `BrokerError` when somebody listens on this port."""
    with socket.socket() as probe:
        # As Kafka does, so that connections which a broker before has left in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except PermissionError as exc:
            raise BrokerError(f"Port {port} is for the system: set TAGWIRE_BROKER_PORT to one above 1023.") from exc
        except OSError as exc:
            raise BrokerError(
                f"Port {port} on {LOOPBACK} is taken{listener(port)}: "
                "end that, or set TAGWIRE_BROKER_PORT to another (0 takes any free one)."
            ) from exc


def listener(port: int) -> str:
    """Return ` by NAME (process PID)`; empty when the system or its rights do not tell."""
    inodes = set[str]()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):  # it has ended, or is another user's
            if any(str(handle.readlink()) in inodes for handle in (process / "fd").iterdir()):
                is_kafka = b"kafka.Kafka" in (process / "cmdline").read_bytes()
                name = "another Kafka" if is_kafka else (process / "comm").read_text().strip()
                return f" by {name} (process {process.name})"
    return ""
