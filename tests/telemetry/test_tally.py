"""A tally: what was counted elsewhere is added, label by label, and labels are bounded."""

from prometheus_client import CollectorRegistry

from services.telemetry.metrics import TallyCollector
from services.telemetry.tally import Tally


def test_a_value_is_in_the_first_bucket_that_takes_it() -> None:
    tally = Tally((1.0, 2.0))

    for value in (0.5, 1.0, 1.5, 99.0):
        tally.observe("a", value)

    assert tally.counts() == {"a": ([2, 1, 1], 102.0)}


def test_what_was_drained_is_added_once() -> None:
    child, parent = Tally((1.0,)), Tally((1.0,))
    child.observe("a", 0.5)
    parent.add(child.drain())
    child.observe("a", 2.0)
    child.observe("b", 0.25)
    parent.add(child.drain())

    assert child.drain() == {}
    assert parent.counts() == {"a": ([1, 1], 2.5), "b": ([1, 0], 0.25)}


def test_labels_beyond_the_bound_are_counted_as_other() -> None:
    tally = Tally((1.0,), most_labels=2)

    for label in ("a", "b", "c", "d", "a"):
        tally.observe(label, 0.5)

    assert tally.counts() == {"a": ([2, 0], 1.0), "b": ([1, 0], 0.5), "other": ([2, 0], 1.0)}


def test_it_is_a_histogram_to_prometheus() -> None:
    registry = CollectorRegistry()
    tally = Tally((0.1, 1.0))
    registry.register(TallyCollector(tally, "t_seconds", "what", label="stage"))
    for seconds in (0.05, 0.5, 5.0):
        tally.observe("clean", seconds)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"stage": "clean", **labels})

    assert [value("t_seconds_bucket", le=le) for le in ("0.1", "1.0", "+Inf")] == [1, 2, 3]
    assert value("t_seconds_count") == 3
    assert value("t_seconds_sum") == 5.55
