"""Numbers as people read them: in few cells, always the same width for the same size. Pure."""

import time

MICROS = 1_000_000


def count(number: float) -> str:
    """`418`, `8.1k`, `402k`, `7.1M`: at most four cells up to a thousand million."""
    if number < 1_000:
        return f"{number:.0f}"
    for unit in ("k", "M", "G"):
        number /= 1_000
        if number < 9.95:
            return f"{number:.1f}{unit}"
        if number < 999.5 or unit == "G":
            return f"{number:.0f}{unit}"
    return f"{number:.0f}"


def money(micros: int | None) -> str:
    """Micro-units as dollars: more decimals for smaller sums; nothing where there is no price."""
    if micros is None:
        return ""
    if micros < 0:
        return f"-{money(-micros)}"
    dollars = micros / MICROS
    if micros == 0 or dollars >= 1:
        return f"${dollars:,.2f}"
    return f"${dollars:.4f}" if dollars >= 0.0001 else f"${dollars:.6f}"


def exact(micros: int) -> str:
    """Micro-units as dollars, all six decimals."""
    whole, rest = divmod(abs(micros), MICROS)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06}"


def latency(micros: int | None) -> str:
    """`606ms`, `1.60s`, `12.4s`: a time to a first token."""
    if micros is None:
        return ""
    if micros < MICROS:
        return f"{micros / 1_000:.0f}ms"
    return f"{micros / MICROS:.2f}s" if micros < 10 * MICROS else duration(micros)


def duration(micros: int | None) -> str:
    """`0.9s`, `14.2s`, `3m05s`, `2h10m`."""
    if micros is None:
        return ""
    seconds = micros / MICROS
    if seconds < 60:
        return f"{seconds:.1f}s"
    if seconds < 3_600:
        return f"{int(seconds) // 60}m{int(seconds) % 60:02}s"
    return f"{int(seconds) // 3_600}h{int(seconds) % 3_600 // 60:02}m"


def fine(micros: int) -> str:
    """A duration that may be tiny: `0.1ms`, `31ms`, `2.21s`."""
    return f"{micros / 1_000:.1f}ms" if micros < 10_000 else latency(micros)


def age(seconds: float) -> str:
    """`4s`, `12m`, `3h`, `41d`: how long ago, or how long up."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{int(max(0, seconds))}s"


def clock_time(micros: int) -> str:
    """UTC microseconds as local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(micros / MICROS))


def day_time(micros: int) -> str:
    """UTC microseconds as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(micros / MICROS))


def percent(share: float) -> str:
    """A share of one: `1.2%`, `38%`."""
    return f"{share * 100:.1f}%" if share < 0.0995 else f"{share * 100:.0f}%"
