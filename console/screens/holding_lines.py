"""How a holder's money and limits read: the window that is nearest to its end, the balance, rates and rules. Pure."""

import time

from msgspec.structs import replace

from console.ink import Line, Span, Tone, fit, wrap
from console.units import MICROS, age, count, money, percent
from console.widgets.charts import bar
from data.limits import FREE, Limits
from gateway.accounting import Holding, WindowView

HIGH = 0.8
"""Of a budget: from here on it is marked."""
SHORT = {"minute": "min", "hour": "h", "day": "day", "week": "wk", "month": "mo", "total": "all"}
LABEL_WIDTH = 9
BAR_WIDTH = 8
WORDS_FROM = 88
BAR_FROM = 98
DAY_SECONDS = 86_400


def used_share(window: WindowView) -> float:
    """How much of a budget is used; one of nothing is used up."""
    return window.used_micros / window.limit_micros if window.limit_micros else 1.0


def tightest(holding: Holding | None) -> WindowView | None:
    """The budget of which the most is used."""
    return max(holding.windows, key=used_share, default=None) if holding else None


def warning_of(share: float) -> Span:
    """A glyph and a word for a budget that needs a look."""
    if share >= 1:
        return (" ✗ out", "bad")
    return (" ! high", "warning") if share > HIGH else ("", "plain")


def budget_cell(holding: Holding | None) -> Span:
    """The tightest budget in 21 cells: bar, share, window, and a word when it needs a look."""
    window = tightest(holding)
    if window is None:
        return ("no budget", "muted")
    share = used_share(window)
    word, tone = warning_of(share)
    return (f"{bar(share, 4)}{percent(share):>5} {SHORT[window.per]:<3}{word}", tone)


def spent_cell(holding: Holding | None) -> str:
    """The tightest budget in money."""
    window = tightest(holding)
    return f"{money(window.used_micros)} of {money(window.limit_micros)}" if window else ""


def balance_cell(holding: Holding | None) -> Span:
    """What is left of what was paid in; nothing for those who do not prepay."""
    if holding is None or not holding.limits.prepaid:
        return ("", "plain")
    return (money(holding.balance_micros), "plain" if holding.balance_micros > 0 else "bad")


def resets(window: WindowView, now_micros: int) -> str:
    """When a window begins anew, by the operator's own clock."""
    if window.resets_at is None:
        return "never"
    soon = window.resets_at - now_micros < DAY_SECONDS * MICROS
    return time.strftime("%H:%M" if soon else "%d %b %H:%M", time.localtime(window.resets_at / MICROS))


def resets_in(window: WindowView, now_micros: int) -> str:
    """The same in a sentence."""
    if window.resets_at is None:
        return "never resets"
    return f"resets {resets(window, now_micros)}, in {age((window.resets_at - now_micros) / MICROS)}"


def window_line(window: WindowView, now_micros: int, width: int) -> Line:
    """A budget: used, left, and when it begins anew, in words as far as there is room for them."""
    share = used_share(window)
    word, tone = warning_of(share)
    used, limit = money(window.used_micros), money(window.limit_micros)
    left = money(max(0, window.limit_micros - window.used_micros))
    if width < WORDS_FROM:
        sums, until = f"{used}/{limit}  {left} left", f"until {resets(window, now_micros)}"
    else:
        sums, until = f"{used} of {limit}, {left} left", resets_in(window, now_micros)
    drawn = f"{bar(share, BAR_WIDTH)} " if width >= BAR_FROM else ""
    return (
        (f"{window.per:<7}", "plain"),
        (f"{drawn}{percent(share):>4}{word:<7}", tone),
        (f"  {sums}", "plain"),
        (f"  {until}", "muted"),
    )


def rules(limits: Limits) -> list[str]:
    """What limits say beside money, a phrase each."""
    rates = {
        "requests a minute": limits.requests_per_minute,
        "tokens a minute": limits.tokens_per_minute,
        "tokens a day": limits.tokens_per_day,
        "at once": limits.concurrent,
        "output tokens a request": limits.max_output_tokens,
    }
    lists = {
        "models": limits.models,
        "protocols": limits.protocols,
        "for": limits.endpoints,
        "from": limits.networks,
    }
    told = [f"{count(number)} {what}" for what, number in rates.items() if number is not None]
    if limits.wait_seconds:
        told.append(f"waits up to {limits.wait_seconds} s for a place")
    return told + [f"{what} {', '.join(values)}" for what, values in lists.items() if values]


def balance_line(holding: Holding) -> Line:
    """What is left of what was paid in, and what running requests hold back."""
    tone: Tone = "strong" if holding.balance_micros > 0 else "bad"
    held = f", {money(holding.reserved_micros)} held back by what runs" if holding.reserved_micros else ""
    return (("balance ", "plain"), (money(holding.balance_micros), tone), (f"{held}", "muted"))


def holding_lines(holding: Holding, label: str, now_micros: int, width: int) -> list[Line]:
    """All that a holder may use: balance, each window, rates and rules, under one label."""
    room = width - LABEL_WIDTH - 1
    lines: list[Line] = [balance_line(holding)] if holding.limits.prepaid else []
    lines += [window_line(window, now_micros, room) for window in holding.windows]
    lines += [((text, "plain"),) for text in wrap(",  ".join(rules(holding.limits)), room) if text]
    labels = [label, *[""] * len(lines)]
    unlimited: Line = (("no limits", "muted"),)
    return [
        ((f" {fit(text, LABEL_WIDTH)}", "muted"), *line)
        for text, line in zip(labels, lines or [unlimited], strict=False)
    ]


def narrow_lines(title: str, holding: Holding, now_micros: int, width: int) -> list[Line]:
    """The same for a narrow pane."""
    lines: list[Line] = [((title, "heading"),)]
    if holding.limits.prepaid:
        lines.append(balance_line(holding))
    for window in holding.windows:
        share = used_share(window)
        word, tone = warning_of(share)
        lines += [
            ((f"{window.per:<7}", "plain"), (f"{bar(share, BAR_WIDTH)}{percent(share):>5}{word}", tone)),
            ((f"  {money(window.used_micros)} of {money(window.limit_micros)}", "plain"),),
            ((f"  {resets_in(window, now_micros)}", "muted"),),
        ]
    lines += [((text, "plain"),) for rule in rules(holding.limits) for text in wrap(rule, width)]
    if len(lines) == 1:
        lines.append((("no limits", "muted"),))
    return [*lines, ()]


def but_models(holding: Holding) -> Holding:
    """For a key, whose models are told with its name."""
    return replace(holding, limits=replace(holding.limits, models=()))


def limits_anything(holding: Holding) -> bool:
    """Whether it is worth a line where it only applies along with others."""
    return holding.limits != FREE


def activity(holding: Holding) -> str:
    """What runs, and what waits for a place."""
    waiting = f", {holding.waiting} waiting" if holding.waiting else ""
    return f"{holding.running} running{waiting}"
