"""Owners: what people and teams may use together, and everyone."""

from console.app import ConsoleApp
from data.limits import Limits
from gateway.accounting import ListOwners, OwnerView, SetLimits
from tests.console.direct import seen, typed
from tests.console.money import budgeted, holding, window
from tests.console.scripted import ScriptedLink


async def test_owners_are_listed_after_everyone_and_take_limits_like_keys(app: ConsoleApp, link: ScriptedLink) -> None:
    data = OwnerView("data", "Data science", 2, budgeted("owner:data", window("month", 50, 100)))
    link.answers[ListOwners] = lambda op: [data]
    link.answers[SetLimits] = lambda op: holding(op.holder, limits=op.limits)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("o")
        lines = (await seen(pilot, "50% mo")).splitlines()
        assert [line.split()[:2] for line in lines[3:5]] == [["everyone", "2"], ["data", "2"]]
        await pilot.press("e")
        await seen(pilot, "That is everyone together")
        await pilot.press("l")
        await seen(pilot, "Limits of everyone")
        await pilot.press("tab", "tab")
        await typed(pilot, "900")
        await pilot.press("enter")
        await seen(pilot, "set the limits of everyone")
        assert link.asked_for(SetLimits) == [SetLimits("everyone", Limits(requests_per_minute=900))]
