"""What a request is let in with: a price that is known, a longest output, places, rates and money, or none of them."""

import asyncio

import pytest
from msgspec.structs import replace

from data.limits import FREE, Budget, Limits
from gateway import bounds
from gateway.canonical import PROTOCOLS, Asked, Protocol
from gateway.errors import BadRequest, Forbidden, InsufficientQuota, RateLimited
from gateway.protocols.codec import Call
from gateway.protocols.registry import CODECS
from gateway.reservation import most_output, priced, read, reserve
from gateway.routing import Plan, Target
from gateway.runtime import Runtime
from gateway.snapshot import Endpoint, KeyFacts, Snapshot, UpstreamFacts

BODY = b'{"model": "gpt-4o", "messages": []}'
ASKED = Asked(model="gpt-4o", max_output=1000)


def target(model: str, **fields: object) -> Target:
    """A place at OpenAI, or elsewhere."""
    chat = Endpoint("openai_chat", "http://up.test", "bearer")
    facts = UpstreamFacts(
        id=1,
        name="up",
        provider_id="openai",
        provider_title="Up",
        endpoints={"openai_chat": chat},
        credential="secret",
        dialect="standard",
        price_id="openai",
        local=False,
        weight=1,
        enabled=True,
        models=frozenset(),
    )
    return Target(replace(facts, **fields), chat, model, "")


def plan_of(*targets: Target) -> Plan:
    return Plan("route", "", targets, ())


def key_under(runtime: Runtime, limits: Limits, owner: Limits = FREE) -> KeyFacts:
    """A key of ann's, whose limits are in force."""
    key = KeyFacts(1, "p", b"", "mobile", "ann", True, None, False, limits=limits)
    runtime.put_in_force(Snapshot(keys={"p": key}, owners={"ann": owner}))
    return key


def running(runtime: Runtime) -> list[int]:
    return [runtime.limits.share(holder).running for holder in ("key:1", "owner:ann", "everyone")]


# --- prices


async def test_a_model_that_nobody_knows_the_price_of_is_refused(runtime: Runtime) -> None:
    with pytest.raises(Forbidden, match="Nobody knows the price of 'no-such'") as refused:
        priced(runtime, plan_of(target("no-such")), ASKED, "generate")
    assert refused.value.code == "model_not_priced"


async def test_where_the_operator_allows_it_such_a_model_is_served_and_nothing_is_put_aside(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(prepaid=True))
    plan = plan_of(target("no-such", unpriced=True))
    allowed, reservation = await reserve(runtime, key, plan, BODY, ASKED, "generate")
    assert (allowed, reservation.micros) == (plan, 0)


async def test_of_several_targets_those_without_a_price_are_left_out_and_told(runtime: Runtime) -> None:
    plan, offers = priced(runtime, plan_of(target("no-such"), target("gpt-4o")), ASKED, "generate")
    assert ([each.model for each in plan.targets], len(offers)) == (["gpt-4o"], 1)
    assert [(each.model, each.reason) for each in plan.skipped] == [("no-such", "no price is known")]


async def test_a_local_model_costs_nothing_and_is_let_in_without_money(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(prepaid=True))
    local = target("llama", provider_id="ollama", price_id=None, local=True, unpriced=True)
    _, reservation = await reserve(runtime, key, plan_of(local), BODY, ASKED, "generate")
    assert reservation.micros == 0


async def test_a_model_that_is_free_needs_no_money(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(prepaid=True))
    _, reservation = await reserve(runtime, key, plan_of(target("omni-moderation-latest")), BODY, ASKED, "relay")
    assert reservation.micros == 0


async def test_counting_tokens_is_no_matter_of_money(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(prepaid=True))
    _, reservation = await reserve(runtime, key, plan_of(target("no-such")), BODY, ASKED, "count")
    assert reservation.micros == 0


async def test_what_the_dearest_target_may_cost_is_put_aside(runtime: Runtime) -> None:
    key = key_under(runtime, FREE)
    dear, cheap = target("gpt-4"), target("gpt-4o-mini")
    _, reservation = await reserve(runtime, key, plan_of(cheap, dear), BODY, ASKED, "generate")
    (_, offers) = priced(runtime, plan_of(dear), ASKED, "generate")
    assert reservation.micros == bounds.estimate(offers[0].rate, len(BODY), bounds.weigh(BODY).estimate, 1000)


@pytest.mark.parametrize(
    ("asked", "tokens"), [(Asked("gpt-4o", max_output=7), 7), (Asked("gpt-4o", choices=3), 49_152)]
)
def test_output_is_what_is_declared_or_what_the_model_can(asked: Asked, tokens: int) -> None:
    assert most_output(target("gpt-4o"), asked) == tokens


async def test_a_film_is_put_aside_for_by_its_length_or_its_tokens(runtime: Runtime) -> None:
    asked = Asked("m", film_seconds=10, film_tokens=486_000)
    by_second = target("sora-2")
    by_token = target("doubao-seedance-2-0-260128", provider_id="volcengine", price_id="volcengine")
    for film, at_least in ((by_second, 1_000_000), (by_token, 486_000 * 6.8)):
        _, reservation = await reserve(runtime, key_under(runtime, FREE), plan_of(film), BODY, asked, "video")
        assert at_least <= reservation.micros < at_least * 1.2


# --- all or nothing


async def test_a_request_that_money_refuses_takes_no_place_and_no_rate(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(requests_per_minute=1, concurrent=1), Limits(prepaid=True))
    for _ in range(3):
        with pytest.raises(InsufficientQuota, match="This key's owner has"):
            await reserve(runtime, key, plan_of(target("gpt-4o")), BODY, ASKED, "generate")
    assert running(runtime) == [0, 0, 0]
    assert runtime.limits.share("key:1").requests.total == 0


async def test_a_request_that_a_rate_refuses_puts_nothing_aside(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(tokens_per_minute=1000, budgets=(Budget("day", 10**9),)))
    _, first = await reserve(runtime, key, plan_of(target("gpt-4o")), BODY, ASKED, "generate")
    with pytest.raises(RateLimited):
        await reserve(runtime, key, plan_of(target("gpt-4o")), BODY, ASKED, "generate")
    assert runtime.budgets.account("key:1").reserved == first.micros


async def test_a_place_that_a_rate_keeps_one_from_taking_is_for_the_next(runtime: Runtime) -> None:
    slow = key_under(runtime, Limits(requests_per_minute=1), owner=Limits(concurrent=1, wait_seconds=30))
    other = replace(slow, id=2, limits=FREE)
    first = await runtime.limits.admit(other, 0)
    waiting = [asyncio.create_task(runtime.limits.admit(key, 0)) for key in (slow, slow, other)]
    await asyncio.sleep(0)
    first.leave()
    (await waiting[0]).leave()
    with pytest.raises(RateLimited, match="requests a minute"):
        await waiting[1]
    async with asyncio.timeout(10):
        (await waiting[2]).leave()


async def test_a_reservation_that_never_came_on_record_is_given_back_once(runtime: Runtime) -> None:
    key = key_under(runtime, FREE)
    _, reservation = await reserve(runtime, key, plan_of(target("gpt-4o")), BODY, ASKED, "generate")
    assert (reservation.micros > 0, running(runtime)) == (True, [1, 1, 1])
    for _ in range(2):
        reservation.leave()
    assert running(runtime) == [0, 0, 0]
    assert runtime.budgets.account("everyone").reserved == runtime.budgets.account("key:1").balance == 0


# --- the longest output

BODIES: dict[Protocol, tuple[str, str]] = {
    "openai_chat": ("max_completion_tokens", '{"model":  "m", "x": [1, 2.50]%s}'),
    "openai_responses": ("max_output_tokens", '{"model":  "m", "x": [1, 2.50]%s}'),
    "anthropic_messages": ("max_tokens", '{"model":  "m", "x": [1, 2.50]%s}'),
    "gemini": ("maxOutputTokens", '{"x": [1, 2.50], "generationConfig": {"topK":  3%s}}'),
}


def declared(protocol: Protocol, tokens: int | None) -> Call:
    """A request that declares its longest output, or none."""
    member, body = BODIES[protocol]
    text = body % ("" if tokens is None else f', "{member}": {tokens}')
    return Call(method="POST", path="models/m:generateContent", query={}, headers={}, body=text.encode())


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_limit_on_output_is_written_into_a_request_that_declares_none(
    runtime: Runtime, protocol: Protocol
) -> None:
    key = key_under(runtime, Limits(max_output_tokens=500), owner=Limits(max_output_tokens=300))
    call, asked = read(runtime, key, CODECS[protocol], declared(protocol, None), "generate")
    member, body = BODIES[protocol]
    assert asked.max_output == CODECS[protocol].read_call(call).max_output == 300
    assert call.body.replace(f'"{member}":300,'.encode(), b"") == (body % "").encode()


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_request_within_its_limit_passes_byte_for_byte_and_one_beyond_it_is_refused(
    runtime: Runtime, protocol: Protocol
) -> None:
    key = key_under(runtime, Limits(max_output_tokens=300))
    call = declared(protocol, 300)
    assert read(runtime, key, CODECS[protocol], call, "generate")[0] is call
    with pytest.raises(BadRequest, match="at most 300 output tokens, not 301") as refused:
        read(runtime, key, CODECS[protocol], declared(protocol, 301), "generate")
    assert refused.value.code == "max_output_exceeded"


async def test_of_two_limits_that_a_request_declares_the_larger_counts(runtime: Runtime) -> None:
    key = key_under(runtime, Limits(max_output_tokens=300))
    body = b'{"model": "m", "max_completion_tokens": 1, "max_tokens": 100000}'
    call = replace(declared("openai_chat", None), body=body)
    with pytest.raises(BadRequest, match="not 100,000"):
        read(runtime, key, CODECS["openai_chat"], call, "generate")


async def test_completions_of_old_heed_the_limit_too(runtime: Runtime) -> None:
    key, codec = key_under(runtime, Limits(max_output_tokens=300)), CODECS["openai_chat"]
    call = replace(declared("openai_chat", None), body=b'{"model": "m", "max_tokens": 301}')
    with pytest.raises(BadRequest, match="not 301"):
        read(runtime, key, codec, call, "relay")
    assert (
        read(runtime, key, codec, declared("openai_chat", None), "relay")[0].body == b'{"model":  "m", "x": [1, 2.50]}'
    )


async def test_without_a_limit_nothing_is_written(runtime: Runtime) -> None:
    call = declared("openai_chat", None)
    assert read(runtime, key_under(runtime, FREE), CODECS["openai_chat"], call, "generate")[0] is call
