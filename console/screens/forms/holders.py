"""Short forms about holders of limits: paying in, another secret, the brake, and keeping what requests say."""

from collections.abc import Sequence

from console import moments
from console.ink import Line
from console.sums import HIGHEST, needed_as, optional, read_number, read_sum, written_sum
from console.units import money
from console.widgets.form import Field, Values
from data.limits import Brake
from gateway.accounting import Holding, RotateKey, SetBrake, StartCapture, TopUp
from gateway.operations import KeyView

NO_OR_YES = ("no", "yes")

# --- paying in


def _read_top_up(text: str) -> int:
    micros = read_sum(text, -HIGHEST)
    if not micros:
        raise ValueError("Nothing would be paid in")
    return micros


def top_up_fields() -> Sequence[Field]:
    """How much."""
    return (
        Field("micros", "Dollars", "", "20 pays in, -5 takes out.", needed_as(_read_top_up)),
        Field("note", "Note", "", "For the ledger: an invoice, a name."),
    )


def top_up(holder: str, once: str, values: Values) -> TopUp:
    """A payment as it was filled in."""
    return TopUp(holder, _read_top_up(values["micros"]), values["note"], once)


def top_up_preview(holding: Holding, values: Values) -> list[Line]:
    """The balance before and after; who begins to prepay is told so."""
    before = holding.balance_micros if holding.limits.prepaid else 0
    try:
        after = before + _read_top_up(values["micros"])
    except ValueError:
        after = before
    lines: list[Line] = [
        (
            (" balance ", "muted"),
            (money(before), "plain"),
            ("  → ", "muted"),
            (money(after), "strong" if after > 0 else "bad"),
        )
    ]
    if not holding.limits.prepaid:
        lines.append(((" From then on only what was paid in may be spent.", "warning"),))
    return lines


# --- another secret


def rotation_fields() -> Sequence[Field]:
    """How long the old one stays good."""
    return (
        Field(
            "overlap_seconds",
            "Old one for",
            "24h",
            "How long the old secret works beside the new one: 0, 30m, 24h, 7d. Revoking ends both.",
            needed_as(moments.seconds),
        ),
    )


def rotation(key: KeyView, values: Values) -> RotateKey:
    """A rotation as it was filled in."""
    return RotateKey(key.id, moments.seconds(values["overlap_seconds"]))


# --- the brake


def brake_fields(brake: Brake) -> Sequence[Field]:
    """All of it, with what holds now."""
    speed = "" if brake.tokens_per_second is None else str(brake.tokens_per_second)
    return (
        Field(
            "frozen",
            "Freeze",
            NO_OR_YES[brake.frozen],
            "New requests are refused; what runs goes on.",
            choices=NO_OR_YES,
        ),
        Field("hold", "Hold", NO_OR_YES[brake.hold], "New requests wait until this is lifted.", choices=NO_OR_YES),
        Field(
            "tokens_per_second",
            "Tokens/s",
            speed,
            "Slows answers down, running ones too. Empty: full speed.",
            optional(read_number),
        ),
        Field(
            "approve_above_micros",
            "Ask above $",
            written_sum(brake.approve_above_micros),
            "Requests that may cost more wait until you approve them on Live.",
            optional(read_sum),
        ),
    )


def braked(key: KeyView, values: Values) -> SetBrake:
    """The brake as it was filled in. Raises `ValueError` where it is none."""
    speed, above = values["tokens_per_second"], values["approve_above_micros"]
    return SetBrake(
        key.id,
        Brake(
            tokens_per_second=read_number(speed) if speed else None,
            hold=values["hold"] == "yes",
            approve_above_micros=read_sum(above) if above else None,
            frozen=values["frozen"] == "yes",
        ),
    )


# --- keeping what requests say


def capture_fields() -> Sequence[Field]:
    """How much, and how long."""
    return (
        Field("requests", "Requests", "20", "The next ones of this key, at the most.", needed_as(read_number)),
        Field("minutes", "Minutes", "10", "No longer than this.", needed_as(read_number)),
        Field("keep_hours", "Keep hours", "24", "Then what was kept is wiped.", needed_as(read_number)),
    )


def capture(key: KeyView, values: Values) -> StartCapture:
    """A capture as it was filled in. Raises `ValueError` where it is none."""
    return StartCapture(
        key.id, read_number(values["requests"]), read_number(values["minutes"]), read_number(values["keep_hours"])
    )
