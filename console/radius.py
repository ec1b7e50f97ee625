"""What a change would touch, in a phrase: the same on screens and in a shell. Pure."""

from console.units import money
from gateway.accounting import BlastRadius


def touched(radius: BlastRadius) -> str:
    """`6 running answers, 1 key, $3.02/h`: what runs now and what went through in the last hour; empty for nothing."""
    parts = [
        f"{radius.running:,} running {'answer' if radius.running == 1 else 'answers'}" if radius.running else "",
        f"{radius.keys:,} {'key' if radius.keys == 1 else 'keys'}" if radius.keys else "",
        f"{money(radius.micros_per_hour)}/h" if radius.micros_per_hour else "",
    ]
    return ", ".join(filter(None, parts))
