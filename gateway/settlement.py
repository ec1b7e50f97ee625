"""What an exchange used and what that costs, whatever ended it."""

import asyncio

from msgspec.structs import replace

from gateway import tokens
from gateway.canonical import NO_DETAILS, Protocol, Usage
from gateway.metering import Meter
from gateway.pricing import PriceBook
from gateway.rates import Charge, Rate
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


def so_far(meter: Meter, input_tokens: int) -> Usage:
    """What a running answer has used by now: what its provider has said already, the rest by a rule of thumb."""
    said = meter.reader.usage or Usage(input=input_tokens)
    return replace(said, output=max(meter.output_tokens - said.reasoning, 0))


def rate_of(prices: PriceBook, target: Target, at: int) -> Rate | None:
    """A target's prices at a moment (UTC microseconds); None when nobody knows them."""
    return prices.rate(target.upstream.provider_id, target.upstream.price_id, target.model, at)


def charge_of(
    prices: PriceBook, target: Target | None, usage: Usage, at: int, most: int | None = None
) -> Charge | None:
    """What it costs at the prices of that moment (UTC microseconds); None when the model has no price.

    `most` is what was put aside for it: figures that are not the provider's own never come to more.
    """
    if target is None or (not usage.total and usage.details is NO_DETAILS):
        return Charge([], 0)
    found = prices.charge(target.upstream.provider_id, target.upstream.price_id, target.model, usage, at)
    if found is None or most is None or found.total_micros <= most:
        return found
    return Charge(found.lines, most)
