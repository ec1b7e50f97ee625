"""Holds what a provider says against our own records, day by day and model by model. Pure."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from console.provider_files import MEASURES, Statement
from console.units import MICROS
from gateway.operations import UsageRow

DATED = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d)$")
NO_CENT = 10_000
"""Providers round what they bill to cents: differences of money up to one are none."""

Place = tuple[date, str]
Sums = dict[Place, dict[str, Decimal]]
NOTHING = dict.fromkeys(MEASURES, Decimal())


class Compared(Struct, frozen=True):
    """One measure of one model on one day, or over all."""

    day: str
    """Empty for the total."""
    model: str
    measure: str
    ours: int
    theirs: int
    """Tokens, or micro-units of a dollar."""
    over: bool
    """The difference is larger than what is tolerated."""

    @property
    def difference(self) -> int:
        """What they have more."""
        return self.theirs - self.ours


class Reconciled(Struct, frozen=True):
    """A provider's file beside our records."""

    title: str
    since: str
    until: str
    rows: list[Compared]
    totals: list[Compared]
    only_ours: list[str]
    """Models that the file does not name, and days on which it has nothing."""
    only_theirs: list[str]
    outside: int
    """Rows of the file for other days."""

    @property
    def over(self) -> bool:
        """Whether anything differs by more than is tolerated."""
        return any(row.over for row in (*self.rows, *self.totals))


def reconcile(
    statement: Statement, ours: Iterable[tuple[date, UsageRow]], since: date, until: date, percent: Decimal
) -> Reconciled:
    """Both sides, with what is on one of them alone as nought on the other."""
    named = any(row.model for row in statement.rows)
    names: dict[str, str] = {}
    mine = _sum_ours(ours, named, names)
    yours, outside = _sum_theirs(statement, since, until, names)
    rows = [
        _compared(str(place[0]), names[place[1]], measure, mine.get(place, NOTHING), yours.get(place, NOTHING), percent)
        for place in sorted(mine.keys() | yours.keys())
        for measure in statement.measures
    ]
    totals = [_compared("", "", measure, _total(mine), _total(yours), percent) for measure in statement.measures]
    return Reconciled(
        title=statement.title,
        since=str(since),
        until=str(until),
        rows=rows,
        totals=totals,
        only_ours=_alone(mine, yours, names),
        only_theirs=_alone(yours, mine, names),
        outside=outside,
    )


def common_name(model: str) -> str:
    """What a model is called by everybody: `Claude Haiku 3.5` and `claude-3-5-haiku-20241022` are one."""
    parts = re.split(r"[^a-z0-9]+", DATED.sub("", model.rpartition("/")[2].strip().lower()))
    words = sorted(part for part in parts if not part.isdecimal())
    return " ".join((*words, *(part for part in parts if part.isdecimal()))).strip()


def _sum_ours(ours: Iterable[tuple[date, UsageRow]], named: bool, names: dict[str, str]) -> Sums:
    sums: Sums = {}
    for day, row in ours:
        model = row.label if named else ""
        names.setdefault(common_name(model), model)
        figures = {
            "input": row.input_tokens,
            "cache_read": row.cache_read_tokens,
            "cache_write": row.cache_write_tokens,
            "output": row.output_tokens,
            "cost": row.cost_micros,
        }
        if any(figures.values()):
            _add(sums, (day, common_name(model)), {name: Decimal(figure) for name, figure in figures.items()})
    return sums


def _sum_theirs(statement: Statement, since: date, until: date, names: dict[str, str]) -> tuple[Sums, int]:
    sums: Sums = {}
    outside = 0
    for row in statement.rows:
        if not since <= row.day < until:
            outside += 1
            continue
        names.setdefault(common_name(row.model), row.model)
        figures = {name: figure * MICROS if name == "cost" else figure for name, figure in row.figures.items()}
        if any(figures.values()):
            _add(sums, (row.day, common_name(row.model)), figures)
    return sums, outside


def _add(sums: Sums, place: Place, figures: dict[str, Decimal]) -> None:
    before = sums.get(place, NOTHING)
    sums[place] = {measure: before[measure] + figures.get(measure, 0) for measure in MEASURES}


def _total(sums: Sums) -> dict[str, Decimal]:
    return {measure: sum((each[measure] for each in sums.values()), Decimal()) for measure in MEASURES}


def _compared(
    day: str, model: str, measure: str, ours: dict[str, Decimal], theirs: dict[str, Decimal], percent: Decimal
) -> Compared:
    mine, yours = _whole(ours[measure]), _whole(theirs[measure])
    apart = abs(mine - yours)
    over = apart * 100 > percent * max(abs(mine), abs(yours)) and (measure != "cost" or apart > NO_CENT)
    return Compared(day, model, measure, mine, yours, over)


def _whole(figure: Decimal) -> int:
    return int(figure.to_integral_value(ROUND_HALF_UP))


def _alone(here: Sums, there: Sums, names: dict[str, str]) -> list[str]:
    """Models and days that one side alone has."""
    days = {day for day, _ in here} - {day for day, _ in there}
    models = {model for _, model in here} - {model for _, model in there}
    return [*(names[model] or "no model" for model in sorted(models)), *map(str, sorted(days))]
