"""Health as an operator sees it: whether work goes on, told by what the brokers say."""

from pathlib import Path

from tests.insights.documents import document
from tests.insights.harness import Installation


async def test_a_stalled_agent_turns_health_to_503_and_back(running: Installation, tmp_path: Path) -> None:
    wish = tmp_path / "wish"
    environment = {"TAGWIRE_TEST_WISH": str(wish), "TAGWIRE_INSIGHTS_STALL_S": "5"}
    process = await running.start(module="tests.insights.disturbed", **environment)
    await running.publish([document("first")])
    await running.until_caught_up()
    assert (await process.ask("/healthz"))[0] == 200

    wish.write_text("stall")
    await running.publish([document(f"later-{number}") for number in range(9)])

    async def is_problem() -> bool:
        return (await process.ask("/healthz"))[0] == 503

    await running.until(is_problem)
    _, told = await process.ask("/healthz")
    assert "records wait, and none was done for" in told["problems"][0]
    assert running.settings.topic("documents.classified") in told["problems"][0]

    wish.unlink()
    await running.until_caught_up()

    async def is_well() -> bool:
        return (await process.ask("/healthz"))[0] == 200

    await running.until(is_well)


async def test_a_process_without_work_is_well_and_ready_only_once_it_has_joined(running: Installation) -> None:
    process = await running.ready()

    status, told = await process.ask("/healthz")
    assert (status, told["problems"]) == (200, [])
    _, told = await process.ask("/readyz")
    assert told["partitions"]["forward"] == [0, 1, 2, 3]
    await process.leave()
