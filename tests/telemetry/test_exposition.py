"""The text that Prometheus scrapes, as its own parser reads it."""

from prometheus_client.parser import text_string_to_metric_families

from services.telemetry.exposition import exposition
from services.telemetry.lag_metrics import Family

LAG = Family("lag", 'A "lag" \\ of\ntwo lines.', ("group", "topic"))
LOOKS = Family("looks_total", "Looks.", (), "counter")
NONE = Family("none", "Without samples.")


def test_whatever_a_group_is_called_comes_out_as_it_is() -> None:
    names = ['say "hi"', "a\\nb", "two\nlines", "ünïcode", "{}", ""]

    text = exposition([LAG], ((LAG, (name, "t"), number) for number, name in enumerate(names)))
    (family,) = text_string_to_metric_families(text.decode())

    assert [(sample.labels["group"], sample.value) for sample in family.samples] == list(
        zip(names, map(float, range(len(names))), strict=True)
    )
    assert family.documentation == LAG.documentation


def test_numbers_large_and_small_keep_their_value() -> None:
    values = [0, 2**53 - 1, 0.1, 1e-7, 1_795_445_798.908, -3]

    text = exposition([LAG], ((LAG, (str(value), ""), value) for value in values))
    (family,) = text_string_to_metric_families(text.decode())

    assert [sample.value for sample in family.samples] == values


def test_types_are_told_also_without_samples() -> None:
    text = exposition([LOOKS, NONE], [(LOOKS, (), 7)])

    assert (
        text == b"# HELP looks_total Looks.\n# TYPE looks_total counter\nlooks_total 7\n"
        b"# HELP none Without samples.\n# TYPE none gauge\n"
    )
