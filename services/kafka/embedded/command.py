"""`tagwire broker`: the embedded Kafka in the foreground, until it is told to end."""

import asyncio
import signal
import sys
from collections.abc import Callable

from services.kafka.embedded.broker import EmbeddedKafka, EmbeddedSettings, embedded_kafka
from services.kafka.embedded.jars import KAFKA_VERSION
from services.kafka.settings import KafkaSettings


def to_stdout(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def serve(settings: EmbeddedSettings, show: Callable[[str], None] = to_stdout) -> None:
    """
    Run the broker until SIGINT or SIGTERM, then stop it and return.

    Raises `BrokerError` when it does not start or ends by itself. A second signal does not wait for the stop, which
    goes on without this process.
    """
    task, loop, is_asked = asyncio.current_task(), asyncio.get_running_loop(), False
    assert task is not None

    def end() -> None:
        nonlocal is_asked
        is_asked = True
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        async with embedded_kafka(settings) as broker:
            show(summary(broker))
            if (error := await broker.died()) is not None:
                raise error
    except asyncio.CancelledError:
        if not is_asked:
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def summary(broker: EmbeddedKafka) -> str:
    """Return where the broker is, where its data is, and how a client finds it."""
    is_default = broker.bootstrap_servers == KafkaSettings.model_fields["bootstrap_servers"].default
    use = "tagwire finds it by itself" if is_default else f"TAGWIRE_KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap_servers}"
    return "\n".join(
        [
            f"Kafka {KAFKA_VERSION} is ready at {broker.bootstrap_servers}",
            f"  data  {broker.data_folder}",
            f"  use   {use}",
            "  end   Ctrl-C; the data stays",
        ]
    )
