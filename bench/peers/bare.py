"""The function itself, without Kafka: one process a core, each with its share of the documents in memory."""

import json
import sys
import time

from bench.functions import load
from bench.peers.job import wait_for_start
from bench.workload import PLUMBING


def main() -> None:
    """Arguments: the workload's name, and how many documents. Prints CPU seconds and wall seconds as JSON."""
    workload = next(each for each in PLUMBING if each.name == sys.argv[1])
    function, values, documents = load(workload.function), workload.values(), int(sys.argv[2])
    function(values[0])  # what is loaded by the first call is loaded now
    wait_for_start()
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    for number in range(documents):
        function(values[number % len(values)])
    print(json.dumps([time.process_time() - cpu_s, time.perf_counter() - wall_s]), flush=True)  # noqa: T201  # result


if __name__ == "__main__":
    main()
