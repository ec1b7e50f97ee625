"""Accounts with providers: adding, testing, changing and removing them."""

from typing import Any

import pytest

from data.database import Database
from data.providers import list_upstreams
from data.routes import list_routes
from gateway import operations
from gateway.errors import BadRequest, GatewayError, NotFound, UpstreamFailed
from gateway.operations import (
    AddUpstream,
    EditUpstream,
    ListProviders,
    ListRoutes,
    ListUpstreams,
    Operation,
    RemoveUpstream,
    SaveRoute,
    SetUpstreamEnabled,
    TargetView,
    UpstreamAdded,
)
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import ProviderServer, RunningExchange


def at(provider: ProviderServer, **fields: object) -> AddUpstream:
    given = {"credential": provider.key, "base_url": provider.base_url} | fields
    return AddUpstream("openai-compatible", **given)  # type: ignore[arg-type]


def outcome(added: UpstreamAdded) -> list[tuple[str, bool]]:
    return [(step.name, step.ok) for step in added.test]


async def test_an_upstream_that_answers_is_added_with_the_models_it_lists(
    operator: Operator, runtime: Runtime, provider: ProviderServer
) -> None:
    added = await operator.ask(at(provider, models=["hidden"]))
    assert outcome(added) == [("reach", True), ("auth", True), ("models", True)]
    assert added.upstream.models == ["hidden", "large", "small"]
    assert added.upstream.name == "openai-compatible"
    assert "GET /v1/models " in provider.heads[0]
    assert runtime.snapshot.upstreams[added.upstream.id].models == {"hidden", "large", "small"}


async def test_the_credential_is_shown_to_the_provider_and_kept_from_everybody_else(
    operator: Operator, runtime: Runtime, database: Database, provider: ProviderServer
) -> None:
    watching = runtime.bus.subscribe()
    added = await operator.ask(at(provider))
    assert f"Bearer {provider.key}" in provider.heads[0]
    async with database.read() as session:
        [row] = await list_upstreams(session)
    assert provider.key.encode() not in (row.credential or b"")
    assert added.upstream.credential_hint == provider.key[-4:]
    assert provider.key not in repr(added) + repr(watching.drain())


async def test_a_refused_credential_is_told_without_the_providers_words_and_the_upstream_stays(
    operator: Operator, provider: ProviderServer
) -> None:
    added = await operator.ask(at(provider, credential="sk-of-somebody-else"))
    assert outcome(added)[:2] == [("reach", True), ("auth", False)]
    assert "refuses the credential (HTTP 401)" in added.test[1].detail
    assert provider.key not in repr(added)
    [kept] = await operator.ask(ListUpstreams())
    assert kept.id == added.upstream.id


async def test_an_upstream_that_cannot_be_reached_is_told_and_stays(operator: Operator) -> None:
    nowhere = AddUpstream("openai-compatible", credential="sk-key", base_url="http://127.0.0.1:1/v1", models=["m"])
    added = await operator.ask(nowhere)
    assert outcome(added) == [("reach", False)]
    assert "cannot be reached: no connection: Connection refused" in added.test[0].detail
    assert added.upstream.models == ["m"]


async def test_testing_again_takes_over_the_new_list_and_keeps_what_was_typed(
    operator: Operator, runtime: Runtime, provider: ProviderServer
) -> None:
    number = (await operator.ask(at(provider, models=["hidden"]))).upstream.id
    runtime.health.failed(number, UpstreamFailed("It broke off."), runtime.clock())
    provider.models = ["huge"]
    tested = await operator.ask(operations.TestUpstream(number))
    assert tested.upstream.models == ["hidden", "huge"]
    assert tested.upstream.health == "up"


async def test_a_list_that_fails_for_now_leaves_the_models_known_before(
    operator: Operator, provider: ProviderServer
) -> None:
    number = (await operator.ask(at(provider))).upstream.id
    provider.status = 503
    tested = await operator.ask(operations.TestUpstream(number))
    assert outcome(tested) == [("reach", True), ("auth", True), ("models", False)]
    assert tested.upstream.models == ["large", "small"]


async def test_the_first_upstream_without_known_models_gets_a_route_for_everything(
    operator: Operator, provider: ProviderServer
) -> None:
    provider.status = 404
    added = await operator.ask(at(provider, name="first"))
    assert outcome(added) == [("reach", True), ("models", False), ("route", True)]
    [route] = await operator.ask(ListRoutes())
    assert (route.name, route.pattern, route.targets) == ("default", "*", [TargetView("first")])


async def test_a_later_upstream_without_known_models_takes_nothing_from_the_others(
    operator: Operator, database: Database, provider: ProviderServer
) -> None:
    await operator.ask(at(provider))
    provider.status = 404
    added = await operator.ask(at(provider, name="second"))
    assert "ask for them as second:model" in added.test[-1].detail
    async with database.read() as session:
        assert await list_routes(session) == []


async def test_who_adds_an_upstream_behind_a_route_for_everything_is_told_of_it(
    operator: Operator, provider: ProviderServer
) -> None:
    await operator.ask(at(provider, name="first"))
    await operator.ask(SaveRoute("all", "*", [TargetView("first")]))
    added = await operator.ask(at(provider, name="second"))
    assert "Route all takes every model" in added.test[-1].detail


async def test_the_demo_needs_no_account_and_is_numbered_when_added_twice(operator: Operator) -> None:
    first = await operator.ask(AddUpstream("demo"))
    second = await operator.ask(AddUpstream("demo"))
    assert [first.upstream.name, second.upstream.name] == ["demo", "demo-2"]
    assert all(step.ok for step in first.test)
    assert first.upstream.models
    assert first.upstream.protocols == ["openai_chat", "openai_responses", "anthropic_messages", "gemini"]


async def test_a_credential_can_be_taken_from_the_gateways_environment(
    operator: Operator, provider: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadRequest, match="MY_KEY is not set"):
        await operator.ask(at(provider, credential="", credential_env="MY_KEY"))
    monkeypatch.setenv("MY_KEY", f" {provider.key}\n")
    assert all(step.ok for step in (await operator.ask(at(provider, credential_env="MY_KEY"))).test)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (AddUpstream("openai"), "credential"),
        (AddUpstream("openai", credential="sk-one sk-two"), "credential"),
        (AddUpstream("openai", credential="sk-\N{BULLET}"), "credential"),
        (AddUpstream("openai", credential="sk", name="a:b"), "name"),
        (AddUpstream("openai", credential="sk", weight=0), "weight"),
        (AddUpstream("openai", credential="sk", models=["a b"]), "models"),
        (AddUpstream("openai", credential="sk", base_url="ftp://host"), "base_url"),
        (AddUpstream("openai", credential="sk", base_url="https://me:pw@host"), "base_url"),
        (AddUpstream("openai", credential="sk", base_url="https://host/v1?key=1"), "base_url"),
        (AddUpstream("openai-compatible", credential="sk"), "base_url"),
        (AddUpstream("vertex", credential="{}"), "base_url"),
    ],
)
async def test_an_account_that_cannot_be_is_refused_whole_with_the_name_of_the_field(
    operator: Operator, wrong: AddUpstream, field: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        await operator.ask(wrong)
    assert refused.value.param == field
    assert await operator.ask(ListUpstreams()) == []


async def test_an_unknown_provider_is_not_found(operator: Operator) -> None:
    with pytest.raises(NotFound, match="no provider nobody"):
        await operator.ask(AddUpstream("nobody"))


async def test_editing_changes_what_is_given_and_the_next_test_uses_it(
    operator: Operator, runtime: Runtime, provider: ProviderServer
) -> None:
    number = (await operator.ask(at(provider, credential="sk-wrong-0123456789"))).upstream.id
    edited = await operator.ask(EditUpstream(number, name="mended", credential=provider.key, weight=5, models=["own"]))
    assert (edited.name, edited.credential_hint, edited.weight, edited.models) == ("mended", "6789", 5, ["own"])
    assert runtime.snapshot.upstreams[number].credential == provider.key
    assert all(step.ok for step in (await operator.ask(operations.TestUpstream(number))).test)


async def test_whether_models_without_a_price_are_served_is_said_for_each_account(
    operator: Operator, runtime: Runtime
) -> None:
    number = (await operator.ask(AddUpstream("demo"))).upstream.id
    assert not runtime.snapshot.upstreams[number].unpriced
    assert (await operator.ask(EditUpstream(number, unpriced=True))).unpriced
    assert (await operator.ask(EditUpstream(number, weight=2))).unpriced
    assert runtime.snapshot.upstreams[number].unpriced


async def test_two_upstreams_cannot_have_one_name(operator: Operator) -> None:
    await operator.ask(AddUpstream("demo", name="one"))
    with pytest.raises(BadRequest, match="there is an upstream one already"):
        await operator.ask(AddUpstream("demo", name="one"))


async def test_switching_off_or_removing_an_upstream_lets_its_running_answers_go_on(
    operator: Operator, runtime: Runtime
) -> None:
    number = (await operator.ask(AddUpstream("demo"))).upstream.id
    running = runtime.running[1] = RunningExchange(1, upstream_id=number)
    off = await operator.ask(SetUpstreamEnabled(number, False))
    assert (off.enabled, off.running) == (False, 1)
    assert not runtime.snapshot.upstreams[number].enabled
    await operator.ask(RemoveUpstream(number))
    assert runtime.snapshot.upstreams == {}
    assert running.ended_by is None


async def test_an_upstream_that_is_gone_is_not_found(operator: Operator) -> None:
    attempts: list[Operation[Any]] = [
        operations.TestUpstream(9),
        RemoveUpstream(9),
        EditUpstream(9),
        SetUpstreamEnabled(9, True),
    ]
    for attempt in attempts:
        with pytest.raises(GatewayError, match="There is no upstream 9"):
            await operator.ask(attempt)


async def test_providers_are_offered_in_our_order_with_what_each_needs(operator: Operator) -> None:
    offered = await operator.ask(ListProviders())
    by_id = {provider.id: provider for provider in offered}
    assert offered[0].id == "openai"
    assert by_id["demo"].local
    assert by_id["openai-compatible"].needs_base_url
    assert by_id["anthropic"].key_env == ["ANTHROPIC_API_KEY"]


async def test_an_upstream_that_fails_its_test_is_not_called_up(operator: Operator) -> None:
    added = await operator.ask(AddUpstream("openai-compatible", base_url="http://127.0.0.1:9/v1"))
    assert outcome(added)[0] == ("reach", False)
    assert added.upstream.health == "shaky"
