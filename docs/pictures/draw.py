"""Draws the pictures of the console in the README: `python docs/pictures/draw.py`, from the root of the project."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from stage import NOW, StagedLink

from console.app import ConsoleApp
from console.session import Session

SIZE = (120, 36)
PICTURES: dict[str, Sequence[str]] = {
    "live": (),
    "tap": ("j", "j", "j", "j", "v"),
    "keys": ("2", "j"),
    "usage": ("5",),
}
"""The keys that lead to each."""


async def draw(name: str, keys: Sequence[str], where: Path) -> None:
    """One picture, after a minute of traffic."""
    link = StagedLink()
    clock = [1_000.0]
    app = ConsoleApp(Session(link, clock=lambda: clock[0], now=lambda: float(NOW)), theme="gatehouse-dark", live=False)
    app.title = "gatehouse"
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        for second in range(60):
            link.happen(second)
            clock[0] += 1
            app.poll()
        await pilot.press(*keys)
        await pilot.pause(0.5)
        app.tick()
        await pilot.pause()
        (where / f"{name}.svg").write_text(app.export_screenshot(title="gatehouse"))


def main() -> None:
    """All of them."""
    where = Path(__file__).parent
    for name, keys in PICTURES.items():
        asyncio.run(draw(name, keys, where))
        print(where / f"{name}.svg")  # noqa: T201 - a program that prints


if __name__ == "__main__":
    main()
