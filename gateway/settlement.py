"""What an exchange used and what that costs, whatever ended it."""

import asyncio

from msgspec.structs import replace

from gateway import tokens
from gateway.canonical import NO_DETAILS, Protocol, Usage
from gateway.metering import Meter
from gateway.pricing import PriceBook
from gateway.rates import Charge
from gateway.routing import Target

COUNTING = 5.0
"""Seconds that counting tokens may hold up the settlement of an answer without usage."""

PROVIDER = "provider"
COUNTED = "counted"
ESTIMATED = "estimated"


async def usage_of(meter: Meter, protocol: Protocol, body: bytes) -> tuple[Usage, str]:
    """The provider's own figures; where it gave none for an answer that had begun, those counted from its text.

    The second is where they come from: `provider`, `counted`, or `estimated` when there was no time to count.
    """
    meter.read()
    said = meter.reader.usage
    if said is not None and (meter.reader.ended or said.output + said.reasoning > meter.estimated_output):
        return said, PROVIDER
    source = COUNTED
    try:
        async with asyncio.timeout(COUNTING):
            counted = await meter.count(await tokens.count_request(protocol, body))
    except (TimeoutError, asyncio.CancelledError):
        source, counted = ESTIMATED, Usage(input=len(body) // 4, output=meter.estimated_output)
    if said is not None:
        # It had said what came in, and not yet what went out.
        counted = replace(said, output=counted.output, reasoning=counted.reasoning)
    return counted, source


def charge_of(prices: PriceBook, target: Target | None, usage: Usage, at: int) -> Charge | None:
    """What it costs at the prices of that moment (UTC microseconds); None when the model has no price."""
    if target is None or (not usage.total and usage.details is NO_DETAILS):
        return Charge([], 0)
    return prices.charge(target.upstream.provider_id, target.upstream.price_id, target.model, usage, at)
