"""A process that stands still, and one that computes."""

import time
from unittest.mock import patch

import pytest

from services.insights.pulse import BEAT_S, Pulse, StoodStillError, _now_s


def test_a_process_that_computes_for_long_does_not_stand_still() -> None:
    limit_s = 4 * BEAT_S
    with Pulse(limit_s) as pulse:
        until_s = time.monotonic() + 3 * limit_s
        while time.monotonic() < until_s:
            sum(range(1000))  # which lets no other code of this thread run
        pulse.check()


def test_a_pause_is_told_whichever_thread_wakes_first() -> None:
    with Pulse(60) as pulse, patch.object(pulse, "_at_s", _now_s() - 61):
        with pytest.raises(StoodStillError, match=r"this process stood still for 6\d"):
            pulse.check()
        while pulse._longest_s < 61:  # until its own thread has noticed
            time.sleep(0.01)
        with pytest.raises(StoodStillError):
            pulse.check()
