"""A process that stands still, and one that computes."""

import time
from unittest.mock import patch

import pytest

from services.insights.pulse import Pulse, StoodStillError


def test_a_process_that_computes_for_long_does_not_stand_still() -> None:
    with Pulse(60) as pulse:
        pulse.check()


def test_a_pause_is_told_whichever_thread_wakes_first() -> None:
    with Pulse(60) as pulse, patch.object(pulse, "_at_s", time.monotonic() - 61):
        with pytest.raises(StoodStillError, match=r"this process stood still for 6\d"):
            pulse.check()
        while pulse._longest_s < 61:  # until its own thread has noticed
            time.sleep(0.01)
        with pytest.raises(StoodStillError):
            pulse.check()
