"""Exchanges: the record of them, and a hold on those that run."""

from msgspec.structs import asdict

from data import exchanges
from data.exchanges import Narrowing
from data.keys import get_key
from data.records import ExchangeRecord
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.errors import Cut, NotFound
from gateway.operations import CloseTap, CutExchange, Done, ExchangeDetail, GetExchange, ListExchanges, OpenTap, Tap
from gateway.runtime import Running

LONGEST_PAGE = 1000


async def list_exchanges(desk: Desk, operation: ListExchanges) -> list[ExchangeRecord]:
    """A page of the record, running ones included."""
    limit = values.between(operation.limit, 1, LONGEST_PAGE, "limit")
    await desk.flush()
    async with desk.database.read() as session:
        return await exchanges.page_exchanges(session, Narrowing(**asdict(operation.filter)), operation.before, limit)


async def get_exchange(desk: Desk, operation: GetExchange) -> ExchangeDetail:
    """One exchange with all its attempts."""
    await desk.flush()
    async with desk.database.read() as session:
        record = await exchanges.get_exchange(session, operation.id)
        if record is None:
            raise values.missing("request", operation.id)
        key = None if record.key_id is None else await get_key(session, record.key_id)
        attempts = await exchanges.list_attempts(session, operation.id)
    return ExchangeDetail(record, attempts, key.name if key else "")


async def open_tap(desk: Desk, operation: OpenTap) -> Tap:
    """Watch the text of an exchange; one that is over has none, as no text is kept."""
    desk.check_serving()
    running = desk.runtime.running.get(operation.id)
    if running is not None:
        return Tap(list(running.open_tap()), True)
    await get_exchange(desk, GetExchange(operation.id))
    return Tap([], False)


async def close_tap(desk: Desk, operation: CloseTap) -> Done:
    """Watch no longer; it may be over by now."""
    desk.check_serving()
    running = desk.runtime.running.get(operation.id)
    if running is not None and running.taps:
        running.taps -= 1
    return Done(f"closed the tap on request {operation.id}")


async def cut_exchange(desk: Desk, operation: CutExchange) -> Done:
    """End an answer that runs."""
    desk.check_serving()
    find(desk, operation.id).cut(Cut("The operator of this gateway ended this answer."))
    told = f"cut request {operation.id}"
    await desk.record("exchange_cut", told)
    return Done(told)


def find(desk: Desk, exchange_id: int) -> Running:
    """The exchange of this number, if it runs."""
    running = desk.runtime.running.get(exchange_id)
    if running is None:
        raise NotFound(f"Request {exchange_id} is not running.")
    return running
