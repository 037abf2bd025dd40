"""Where the time of tagwire's parent process goes while it drains a backlog: `python -m bench.profile`."""

import argparse
import asyncio
import pstats
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.peers.tagwire import PROFILE
from bench.race import race
from bench.systems import TAGWIRE
from bench.topics import broker, fill, make_topics
from bench.workload import PLUMBING


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--workload", choices=[each.name for each in PLUMBING], default=PLUMBING[0].name)
    parser.add_argument("--documents", type=int, default=40_000)
    parser.add_argument("--lines", type=int, default=25)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="bench-") as folder:
        profile = Path(folder) / "profile.stats"
        asyncio.run(_drain(options.workload, options.documents, profile))
        pstats.Stats(str(profile)).sort_stats("tottime").print_stats(options.lines)


async def _drain(name: str, documents: int, profile: Path) -> None:
    workload = next(each for each in PLUMBING if each.name == name)
    async with broker() as kafka:
        await make_topics(kafka)
        await fill(kafka, workload.values(), documents)
        await race(TAGWIRE, kafka, function=workload.function, documents=documents, environment={PROFILE: str(profile)})


if __name__ == "__main__":
    main()
