"""Money: what requests hold back and what they cost, booked as they are stored. Nothing is ever changed or deleted.

What accounts come to is kept by the database itself, with every entry; see the migration that made them.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from data.records import RUNNING, ExchangeRecord
from data.tables import Account

_ENTRY = (
    "INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, cost_micros, "
    "funded_micros, actor, note, currency) "
)
_ONCE = "ON CONFLICT (exchange_id, kind) WHERE kind IN ('reserve', 'settle') DO NOTHING"
# Both go by what the exchange's row says, so that a line that comes late or twice books nothing.
RESERVE = (
    f"{_ENTRY} SELECT started_at, 'reserve', id, key_id, owner, -reserved_micros, reserved_micros, 0, 0, '', '', 'USD' "  # noqa: S608
    f"FROM exchanges WHERE id = ? AND state = '{RUNNING}' AND reserved_micros > 0 {_ONCE}"
)
_SETTLE = (
    f"{_ENTRY} SELECT e.started_at, 'settle', e.id, e.key_id, e.owner, "  # noqa: S608
    "coalesce(r.reserved_micros, 0) - coalesce(e.cost_micros, 0), -coalesce(r.reserved_micros, 0), "
    "coalesce(e.cost_micros, 0), 0, '', '', 'USD' "
    "FROM exchanges e LEFT JOIN ledger_entries r ON r.exchange_id = e.id AND r.kind = 'reserve' "
    f"WHERE {{which}} AND (e.cost_micros != 0 OR r.id IS NOT NULL) {_ONCE}"
)
SETTLE = _SETTLE.format(which=f"e.id = ? AND e.state != '{RUNNING}'")
LEFT_OPEN = f"state = '{RUNNING}' AND id NOT IN (SELECT exchange_id FROM tasks WHERE settled_at IS NULL)"  # noqa: S608
"""Which exchanges nobody will end any more when a gateway starts: a task goes on at its upstream without us."""
SETTLE_OPEN = _SETTLE.format(which=f"e.id IN (SELECT id FROM exchanges WHERE {LEFT_OPEN})")  # noqa: S608


async def book(session: AsyncSession, records: Sequence[ExchangeRecord]) -> None:
    """Book what exchanges, whose rows are there, hold back while they run and cost in the end: each once."""
    connection = await session.connection()
    moving = [record for record in records if record.reserved_micros or record.cost_micros]
    for statement, exchanges in (
        (RESERVE, [(record.id,) for record in moving if record.state == RUNNING]),
        (SETTLE, [(record.id,) for record in moving if record.state != RUNNING]),
    ):
        if exchanges:
            await connection.exec_driver_sql(statement, exchanges)


async def settle_open(session: AsyncSession) -> None:
    """Settle what a gateway that died left open, at what it was last known to have cost."""
    await (await session.connection()).exec_driver_sql(SETTLE_OPEN)


async def get_account(session: AsyncSession, holder: str) -> Account:
    """What a holder's entries add up to; nothing where there are none yet."""
    return await session.get(Account, holder) or Account(holder=holder)
