"""Settings hold as soon as they are saved, and go on holding."""

import pytest

from data.database import Database
from data.settings import put_setting
from gateway.accounting import UndoAct
from gateway.errors import BadRequest, NotFound
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.setting_operations import GetSettings, SaveSetting


async def test_a_setting_holds_at_once_and_after_a_restart(operator: Operator, runtime: Runtime) -> None:
    saved = await operator.ask(SaveSetting("fetch_media", "on"))
    assert (saved.value, saved.usual) == ("on", "off")
    assert runtime.snapshot.settings.fetch_media
    await operator.reload()
    assert {each.name: each.value for each in await operator.ask(GetSettings())}["fetch_media"] == "on"


async def test_without_a_value_what_is_usual_holds_again(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveSetting("fetch_media", "on"))
    assert (await operator.ask(SaveSetting("fetch_media"))).value == "off"
    assert not runtime.snapshot.settings.fetch_media


async def test_a_setting_is_undone(operator: Operator, runtime: Runtime) -> None:
    await operator.ask(SaveSetting("fetch_media", "on"))
    assert (await operator.ask(UndoAct())).text == "took back: set fetch_media to on"
    assert not runtime.snapshot.settings.fetch_media


async def test_what_is_not_allowed_changes_nothing(operator: Operator, runtime: Runtime) -> None:
    with pytest.raises(BadRequest):
        await operator.ask(SaveSetting("response_retention_days", "for ever"))
    with pytest.raises(NotFound):
        await operator.ask(SaveSetting("no_such"))
    assert runtime.snapshot.settings.response_retention_days == 30


async def test_a_stored_value_that_no_longer_makes_sense_is_passed_over(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    async with database.write() as session:
        await put_setting(session, "fetch_media", "perhaps")
        await put_setting(session, "response_retention_days", 7)
    await operator.reload()
    assert not runtime.snapshot.settings.fetch_media
    assert runtime.snapshot.settings.response_retention_days == 7
