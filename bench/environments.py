"""A virtual environment for each peer, made once from its pinned requirements, in `.bench/` or where one says."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
REQUIREMENTS: Final = Path(__file__).parent / "peers" / "requirements"
FOLDER: Final = "BENCH_ENVIRONMENTS"
"""Environment variable: where the environments are kept."""
STAMP: Final = ".installed"


class PeerEnvironmentError(Exception):
    """An environment could not be made; the message is pip's."""


def python_of(name: str) -> Path:
    """Return the interpreter of a peer's environment, which is made if it is not there, or made for other versions."""
    folder = Path(os.environ.get(FOLDER, ROOT / ".bench")).absolute() / name
    python = folder / "bin" / "python"
    wanted = hashlib.sha256((REQUIREMENTS / f"{name}.txt").read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / STAMP
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    sys.stderr.write(f"Making the environment of {name}\n")
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(*pip, "--requirement", str(REQUIREMENTS / f"{name}.txt"))
    # Our own code without what it depends on: the peer has its own versions, and what `clean` needs is listed.
    _run(*pip, "--editable", str(ROOT))
    stamp.write_text(wanted)
    return python


def versions(name: str) -> dict[str, str]:
    """Return package -> version, as the requirements pin them."""
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerEnvironmentError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
