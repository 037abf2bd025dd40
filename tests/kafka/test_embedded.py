async def test_x(kafka: str, prefix: str) -> None:
    assert kafka
def test_y(kafka: str) -> None:
    assert kafka
