"""How a charge came to be: what was metered, times which price rows, the sum, and the ledger entries that book it."""

from collections.abc import Sequence
from decimal import Decimal

from textual.app import ComposeResult

from console.ink import Line, fit, wrap
from console.screens.frame import FrameScreen
from console.session import Session
from console.units import MICROS, clock_time, money
from console.widgets.page import Page
from data.records import ExchangeRecord
from gateway.accounting import ChargeExplained, ChargeLine, EntryView, ExplainCharge
from gateway.meters import TOKENS, UNITS

COUNTED = {"provider": "as the provider counted", "counted": "counted here, the provider did not say"}


def exactly(micros: str | Decimal) -> str:
    """Micro-units, fractions and all, as dollars."""
    dollars = Decimal(micros) / MICROS
    return f"-${-dollars:f}" if dollars < 0 else f"${dollars:f}"


def charge_lines(charge: ChargeExplained, width: int) -> list[Line]:
    """Meters times prices, the sum, what was held back for it, and its entries."""
    counted = COUNTED.get(charge.usage_source, charge.usage_source)
    return [
        ((f" {charge.model}", "strong"), (f"   {charge.provider_id}   {counted}", "muted")),
        (),
        ((f" {'METER':<18}{'COUNT':>10}   {'PRICE':<30} {'AMOUNT':>14}", "heading"),),
        *(line for meter in charge.lines for line in _meter_lines(meter, width)),
        *_sum_lines(charge),
        (),
        ((" LEDGER", "heading"),),
        *(_entry_line(entry) for entry in charge.entries),
        *([] if charge.entries else [_said("nothing is booked for it")]),
    ]


def _said(text: str) -> Line:
    return ((f" {text}", "muted"),)


def _meter_lines(line: ChargeLine, width: int) -> list[Line]:
    unit = UNITS.get(line.meter, TOKENS)
    price = exactly(Decimal(line.per_million) * unit.per / MICROS)
    told: Line = (
        (f" {fit(line.meter.replace('_', ' '), 18)}", "plain"),
        (f"{line.count:>10,}", "plain"),
        (f"   {fit(f'{price} per {unit.name}', 30)}", "muted"),
        (f" {exactly(line.amount):>14}", "plain"),
    )
    return [told, *(((f"   {text}", "muted"),) for text in wrap(line.source, width - 4))]


def _sum_lines(charge: ChargeExplained) -> list[Line]:
    if charge.total_micros is None:
        return [_said("no price is known for this model: nothing was charged")]
    lines: list[Line] = [((f" {'total':<62}{exactly(Decimal(charge.total_micros)):>14}", "strong"),)]
    exact = sum((Decimal(line.amount) for line in charge.lines), Decimal(0))
    if charge.lines and exact != charge.total_micros:
        lines.append(_said(f"the lines add up to {exactly(exact)}; charges are whole millionths of a dollar"))
    lines.append(_said(f"{money(charge.reserved_micros)} were held back for it before it was sent"))
    if charge.overrun:
        over = money(charge.total_micros - charge.reserved_micros)
        lines.append(((f" ! overrun: it cost {over} more than that", "warning"),))
    return lines


def _entry_line(entry: EntryView) -> Line:
    moved = {
        "balance": entry.balance_micros,
        "held": entry.reserved_micros,
        "cost": entry.cost_micros,
        "paid in": entry.funded_micros,
    }
    told = ", ".join(f"{name} {'+' if micros > 0 else ''}{money(micros)}" for name, micros in moved.items() if micros)
    adjustment = f"   adjustment {entry.adjustment_id}" if entry.adjustment_id else ""
    return (
        (f" #{entry.id:<8}", "strong"),
        (f"{clock_time(entry.at)} {fit(entry.kind, 8)} ", "muted"),
        (told, "plain"),
        (f"{adjustment}   {entry.actor} {entry.note}", "muted"),
    )


class ChargeScreen(FrameScreen):
    """Opened from a request."""

    MODE = "live"
    TITLE_IN_HELP = "Charge"

    def __init__(self, session: Session, record: ExchangeRecord) -> None:
        super().__init__(session)
        self._record = record
        self._charge: ChargeExplained | None = None

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(self._write, id="charge")

    def _write(self, width: int) -> Sequence[Line]:
        head: Line = ((f" The charge of #{self._record.id}", "strong"), (f"   {self._record.request_id}", "muted"))
        told = charge_lines(self._charge, width) if self._charge else [_said("looking …")]
        return [head, (), *told]

    def enter(self) -> None:
        """Ask how it came to be."""
        self.do(self._load(), group="load")

    async def _load(self) -> None:
        self._charge = await self.ask(ExplainCharge(self._record.id)) or self._charge
        self.query_one(Page).paint()
