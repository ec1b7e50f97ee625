"""The frame of the console, driven by keys."""

from console.app import ConsoleApp
from tests.console.scripted import shown


async def test_the_status_line_names_the_address_of_the_gateway(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "gatehouse  ● 127.0.0.1:8400" in shown(app)
