"""A model's name leads to an ordered list of targets, each with its reason."""

import random
from collections import Counter

import pytest
from msgspec.structs import replace

from gateway.canonical import Protocol
from gateway.errors import BadRequest, NotFound, Unavailable
from gateway.routing import SPOKEN, Plan, plan
from gateway.snapshot import Endpoint, RouteFacts, Snapshot, TargetFacts, UpstreamFacts


def upstream(number: int, name: str, *models: str, protocol: Protocol = "openai_chat") -> UpstreamFacts:
    return UpstreamFacts(
        id=number,
        name=name,
        provider_id=name.partition("-")[0],
        provider_title=name.title(),
        endpoints={protocol: Endpoint(protocol, f"http://{name}.test", "bearer")},
        credential="secret",
        dialect="standard",
        price_id=None,
        local=False,
        weight=1,
        enabled=True,
        models=frozenset(models),
    )


def snapshot(*upstreams: UpstreamFacts, routes: tuple[RouteFacts, ...] = (), **aliases: str) -> Snapshot:
    return Snapshot(upstreams={u.id: u for u in upstreams}, routes=routes, aliases=aliases)


def route(name: str, pattern: str, *targets: TargetFacts, enabled: bool = True) -> RouteFacts:
    return RouteFacts(1, name, tuple(pattern.split(",")), enabled, targets)


def planned(
    facts: Snapshot,
    model: str,
    protocol: Protocol = "openai_chat",
    down: str = "",
    protocols: tuple[Protocol, ...] = (),
) -> Plan:
    draw = random.Random(7).random
    return plan(
        facts,
        model,
        protocols or (protocol,),
        is_down=lambda number: "set aside" if str(number) in down else "",
        draw=draw,
    )


def names(found: Plan) -> list[str]:
    return [target.upstream.name for target in found.targets]


def test_without_routes_an_upstream_that_lists_the_model_serves_it() -> None:
    found = planned(snapshot(upstream(1, "openai", "gpt-5"), upstream(2, "other")), "gpt-5")
    assert (names(found), found.route) == (["openai"], "listed")


def test_the_first_route_that_fits_wins() -> None:
    first = route("first", "gpt-*", TargetFacts(2, None, 1, 1))
    second = route("second", "*", TargetFacts(1, None, 1, 1))
    facts = snapshot(upstream(1, "a"), upstream(2, "b"), routes=(first, second))
    assert names(planned(facts, "gpt-5")) == ["b"]
    assert names(planned(facts, "claude")) == ["a"]


def test_a_route_that_is_switched_off_does_not_count() -> None:
    off = route("off", "*", TargetFacts(1, None, 1, 1), enabled=False)
    assert planned(snapshot(upstream(1, "a", "m"), routes=(off,)), "m").route == "listed"


def test_lower_priority_numbers_come_first_whatever_their_weight() -> None:
    targets = (TargetFacts(1, None, 2, 100), TargetFacts(2, "other-name", 1, 1))
    found = planned(snapshot(upstream(1, "a"), upstream(2, "b"), routes=(route("r", "*", *targets),)), "m")
    assert [(t.upstream.name, t.model) for t in found.targets] == [("b", "other-name"), ("a", "m")]


def test_equal_priorities_share_in_proportion_to_their_weights() -> None:
    targets = (TargetFacts(1, None, 1, 9), TargetFacts(2, None, 1, 1))
    facts = snapshot(upstream(1, "a"), upstream(2, "b"), routes=(route("r", "*", *targets),))
    draw = random.Random(1).random
    first = Counter(
        plan(facts, "m", ("openai_chat",), is_down=lambda _: "", draw=draw).targets[0].upstream.name
        for _ in range(10_000)
    )
    assert abs(first["a"] / 10_000 - 0.9) < 0.02


@pytest.mark.parametrize("model", ["openai:gpt-5", "openai/gpt-5", "openai-work:gpt-5"])
def test_a_client_may_name_the_upstream_or_its_provider(model: str) -> None:
    found = planned(snapshot(upstream(1, "openai-work")), model)
    assert [(t.upstream.name, t.model) for t in found.targets] == [("openai-work", "gpt-5")]


def test_an_alias_stands_for_its_model() -> None:
    found = planned(snapshot(upstream(1, "a", "gpt-5"), smart="gpt-5"), "smart")
    assert found.targets[0].model == "gpt-5"


def test_an_upstream_that_is_down_is_left_out_with_its_reason() -> None:
    targets = (TargetFacts(1, None, 1, 1), TargetFacts(2, None, 2, 1))
    facts = snapshot(upstream(1, "a"), upstream(2, "b"), routes=(route("r", "*", *targets),))
    found = planned(facts, "m", down="1")
    assert names(found) == ["b"]
    assert found.skipped[0].reason == "set aside"


def test_the_last_candidate_is_tried_even_when_it_is_down() -> None:
    assert names(planned(snapshot(upstream(1, "a", "m")), "m", down="1")) == ["a"]


def test_a_model_that_nothing_serves_is_not_found() -> None:
    with pytest.raises(NotFound, match="GET /v1/models") as refused:
        planned(snapshot(upstream(1, "a")), "nope")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


def test_a_model_served_in_another_protocol_says_in_which() -> None:
    with pytest.raises(BadRequest, match="speak OpenAI Chat Completions, not Gemini"):
        planned(snapshot(upstream(1, "a", "m")), "m", "gemini")


def test_a_request_that_can_be_translated_takes_the_protocol_that_keeps_most_of_it() -> None:
    facts = snapshot(upstream(1, "a", "m", protocol="gemini"), upstream(2, "b", "m", protocol="openai_responses"))
    found = planned(facts, "m", protocols=SPOKEN["anthropic_messages"])
    assert {t.upstream.name: t.endpoint.protocol for t in found.targets} == {"a": "gemini", "b": "openai_responses"}
    assert "translated to Gemini" in next(t.reason for t in found.targets if t.upstream.name == "a")


def test_without_a_route_upstreams_that_need_no_translation_come_first() -> None:
    facts = snapshot(upstream(1, "a", "m"), upstream(2, "b", "m", protocol="gemini"), upstream(3, "c", "m"))
    assert names(planned(facts, "m", protocols=SPOKEN["gemini"]))[0] == "b"


def test_a_strict_route_makes_a_strict_plan() -> None:
    strict = replace(route("r", "*", TargetFacts(1, None, 1, 1)), strict=True)
    assert planned(snapshot(upstream(1, "a"), routes=(strict,)), "m").strict


def test_a_model_whose_upstreams_are_switched_off_is_unavailable() -> None:
    off = replace(upstream(1, "a", "m"), enabled=False)
    with pytest.raises(Unavailable, match="switched off"):
        planned(snapshot(off), "m")
