"""Providers and the accounts with them: listing, adding, testing, changing, removing."""

from data import providers
from data.database import Session
from data.presets import load_presets
from data.tables import Provider, Upstream
from data.usage import UpstreamActivity, upstream_activity
from gateway.answers import accounts, values
from gateway.answers.desk import Desk
from gateway.answers.probe import Probe, probe
from gateway.errors import UpstreamFailed
from gateway.health import State
from gateway.loading import endpoints_of
from gateway.operations import (
    AddUpstream,
    Done,
    EditUpstream,
    ListProviders,
    ListUpstreams,
    ProviderView,
    RemoveUpstream,
    SetUpstreamEnabled,
    TestUpstream,
    UpstreamAdded,
    UpstreamView,
)


async def list_providers(desk: Desk, _: ListProviders) -> list[ProviderView]:
    """All providers: those that ship with us in their order, then the operator's own."""
    order = {preset.id: place for place, preset in enumerate(load_presets())}
    async with desk.database.read() as session:
        rows = await providers.list_providers(session)
    return [provider_view(row) for row in sorted(rows, key=lambda row: order.get(row.id, len(order)))]


async def list_upstreams(desk: Desk, _: ListUpstreams) -> list[UpstreamView]:
    """All accounts with what became of their requests today."""
    await desk.flush()
    async with desk.database.read() as session:
        described = {provider.id: provider for provider in await providers.list_providers(session)}
        models = await providers.models_by_upstream(session)
        activity = await upstream_activity(session, desk.today())
        rows = await providers.list_upstreams(session)
    return [
        view(desk, row, described[row.provider_id], models.get(row.id or 0, []), activity.get(row.id or 0))
        for row in rows
    ]


async def add_upstream(desk: Desk, operation: AddUpstream) -> UpstreamAdded:
    """Store an account, then test it: what fails can be mended, so it stays."""
    async with desk.change() as change:
        provider = await providers.get_provider(change.session, operation.provider_id)
        if provider is None:
            raise values.missing("provider", operation.provider_id)
        row = await accounts.new(change.session, provider, operation, desk.runtime.now())
        credential = accounts.given_credential(provider, operation)
        accounts.seal(desk.vault, row, credential)
        await providers.replace_typed_models(change.session, row, values.models(operation.models))
        change.told("upstream_added", f"added upstream {row.name}")
    tested = await test(desk, row.id or 0)
    routed = await accounts.route_first(desk, row, bool(operation.models) or tested.models is not None)
    return UpstreamAdded(await view_of(desk, row.id or 0), [*tested.steps, *routed])


async def test_upstream(desk: Desk, operation: TestUpstream) -> UpstreamAdded:
    """Test an account again, and take over its model list."""
    tested = await test(desk, operation.id)
    return UpstreamAdded(await view_of(desk, operation.id), tested.steps)


async def test(desk: Desk, upstream_id: int) -> Probe:
    """Try an account out; the list it gives replaces the one it gave before."""
    facts = desk.runtime.snapshot.upstreams.get(upstream_id)
    if facts is None:
        raise values.missing("upstream", upstream_id)
    tested = await probe(desk.runtime, facts)
    if tested.models is None:
        failed = next((step for step in tested.steps if not step.ok), None)
        if failed is not None:
            desk.runtime.health.failed(upstream_id, UpstreamFailed(failed.detail), desk.runtime.clock())
        return tested
    desk.runtime.health.forget(upstream_id)
    async with desk.change("models") as change:
        row = await find(change.session, upstream_id)
        await providers.replace_listed_models(change.session, row, tested.models, desk.runtime.now())
        change.told("models_listed", f"{row.name} lists {len(tested.models)} models")
    return tested


async def edit_upstream(desk: Desk, operation: EditUpstream) -> UpstreamView:
    """Change what is given of an account."""
    async with desk.change() as change:
        row = await find(change.session, operation.id)
        provider = await provider_of(change.session, row)
        if operation.name is not None and operation.name.strip() != row.name:
            row.name = await accounts.free_name(change.session, operation.name)
        if operation.credential is not None:
            accounts.seal(desk.vault, row, accounts.checked_credential(provider, operation.credential))
        if operation.base_url is not None:
            row.base_urls = accounts.base_urls(provider, operation.base_url)
        if operation.weight is not None:
            row.weight = values.weight(operation.weight)
        if operation.unpriced is not None:
            row.unpriced = operation.unpriced
        if operation.models is not None:
            await providers.replace_typed_models(change.session, row, values.models(operation.models))
        desk.runtime.health.forget(operation.id)
        change.told("upstream_edited", f"changed upstream {row.name}")
    return await view_of(desk, operation.id)


async def set_upstream_enabled(desk: Desk, operation: SetUpstreamEnabled) -> UpstreamView:
    """Use an account, or leave it alone; what it is answering goes on."""
    async with desk.change() as change:
        row = await find(change.session, operation.id)
        row.enabled = operation.enabled
        on = "on" if operation.enabled else "off"
        change.told("upstream_enabled", f"switched upstream {row.name} {on}")
    return await view_of(desk, operation.id)


async def remove_upstream(desk: Desk, operation: RemoveUpstream) -> Done:
    """Forget an account; what it is answering goes on."""
    async with desk.change() as change:
        row = await find(change.session, operation.id)
        await providers.remove_upstream(change.session, operation.id)
        desk.runtime.health.forget(operation.id)
        told = f"removed upstream {row.name}"
        change.told("upstream_removed", told)
    return Done(told)


async def find(session: Session, upstream_id: int) -> Upstream:
    """The account of this number."""
    row = await providers.get_upstream(session, upstream_id)
    if row is None:
        raise values.missing("upstream", upstream_id)
    return row


async def provider_of(session: Session, row: Upstream) -> Provider:
    """Who the account is with."""
    provider = await providers.get_provider(session, row.provider_id)
    if provider is None:
        raise values.missing("provider", row.provider_id)
    return provider


async def view_of(desk: Desk, upstream_id: int) -> UpstreamView:
    """An account as it is now."""
    for upstream in await list_upstreams(desk, ListUpstreams()):
        if upstream.id == upstream_id:
            return upstream
    raise values.missing("upstream", upstream_id)


def provider_view(row: Provider) -> ProviderView:
    """A provider as a choice."""
    endpoints = endpoints_of(accounts.unplaced(row), row)
    return ProviderView(
        id=row.id,
        title=row.title,
        protocols=list(endpoints),
        base_url=next((endpoint.base_url for endpoint in endpoints.values()), ""),
        key_env=row.key_env,
        docs_url=row.docs_url,
        local=row.local,
        needs_base_url=row.needs_base_url,
        hint=row.hint,
    )


def view(
    desk: Desk, row: Upstream, provider: Provider, models: list[str], activity: UpstreamActivity | None
) -> UpstreamView:
    """An account as the operator sees it."""
    number, runtime = row.id or 0, desk.runtime
    endpoints = endpoints_of(row, provider)
    health, why = health_of(desk, row)
    return UpstreamView(
        id=number,
        name=row.name,
        provider_id=row.provider_id,
        provider_title=provider.title,
        protocols=list(endpoints),
        base_url=next((endpoint.base_url for endpoint in endpoints.values()), ""),
        credential_hint=row.credential_hint,
        weight=row.weight,
        enabled=row.enabled,
        models=models,
        models_listed_at=row.models_listed_at,
        health=health,
        health_why=why,
        running=sum(exchange.upstream_id == number for exchange in runtime.running.values()),
        requests_today=activity.requests if activity else 0,
        errors_today=activity.errors if activity else 0,
        unpriced=row.unpriced,
    )


def health_of(desk: Desk, row: Upstream) -> tuple[State, str]:
    """How an account does, and why if it does not do well."""
    number, runtime = row.id or 0, desk.runtime
    facts = runtime.snapshot.upstreams.get(number)
    if row.enabled and facts is not None and not facts.enabled:
        return "down", "its credential cannot be read; give it again"
    state = runtime.health.state(number, runtime.clock())
    return state, runtime.why_down(number) or ("its last request failed" if state == "shaky" else "")
