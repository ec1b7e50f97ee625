"""How long requests are kept is a setting; what is due can be deleted at once, and that is on record."""

from msgspec.structs import replace

from data.records import DONE
from gateway.accounting import Cleaned, CleanUp, GetRetention, ListActs
from gateway.journal import Journal
from gateway.operations import ListExchanges
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.setting_operations import SaveSetting
from tests.gateway.answers.scripted import begun

DAY = 86_400_000_000


async def test_what_is_older_than_was_set_is_deleted(operator: Operator, journal: Journal, runtime: Runtime) -> None:
    for number, days in ((1, 40), (2, 20)):
        journal.end(replace(begun(number, at=runtime.now() - days * DAY), state=DONE))
    assert (await operator.ask(CleanUp())).exchanges == 0
    await operator.ask(SaveSetting("exchange_retention_days", "30"))
    cleaned = await operator.ask(CleanUp())
    assert cleaned == Cleaned(1, 0, cleaned.longest_us)
    assert [record.id for record in await operator.ask(ListExchanges())] == [2]
    assert (await operator.ask(ListActs()))[0].text == "deleted 1 old requests and 0 captures"


async def test_what_holds_is_told(operator: Operator) -> None:
    await operator.ask(SaveSetting("database_gigabytes", "3"))
    told = await operator.ask(GetRetention())
    assert (told.days, told.gigabytes, told.oldest_at) == (90, 3, None)
    assert told.used_bytes > 0
