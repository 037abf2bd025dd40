"""`tagwire feed generated`, in a pipe."""

import io
import json
import subprocess
import sys
from pathlib import Path

from services.feed.sources import Sourced, read

COMMAND = (sys.executable, "-m", "services.cli", "feed", "generated", "--days", "3", "--per-day", "20")


def test_it_writes_documents_that_publish_reads_and_the_truth_beside_them(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    command = (*COMMAND, "--end", "2026-03-02T09:30:00", "--truth", str(truth))

    once, again = (subprocess.run(command, capture_output=True, check=True).stdout for _ in range(2))

    assert once == again
    found = list(read(["-"], source="tests", standard_input=io.BytesIO(once)))
    assert all(isinstance(each, Sourced) for each in found)
    records = {(document["id"], document.get("version", 1)) for document in map(json.loads, once.splitlines())}
    assert len(records) == len(found) > 50
    told = json.loads(truth.read_text())
    assert [burst["tag"] for burst in told["bursts"]] == ["libya"]
    assert told["bursts"][0]["end"] == "2026-03-02T09:30:00+00:00"
    assert {(each["id"], each["number"]) for story in told["stories"] for each in story["records"]} <= records


def test_what_cannot_be_invented_is_told_in_a_sentence() -> None:
    done = subprocess.run((*COMMAND, "--bursts", "500"), capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "there is no room for so many bursts and waves" in done.stderr
    assert "Traceback" not in done.stderr
