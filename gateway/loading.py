"""Reads the configuration from the database into the one immutable value that requests go by."""

import contextlib
import logging

import msgspec
from msgspec.structs import replace

from data import keys, owners, prices, providers, routes
from data.database import Database
from data.errors import DataError
from data.limits import FREE, Brake, Limits
from data.secrets import Vault
from data.settings import Value, list_settings
from data.tables import Key, PriceList, PriceOverride, Provider, RouteTarget, Upstream
from gateway.canonical import PROTOCOLS, VIDEO_SHAPES, Protocol, VideoShape
from gateway.errors import BadRequest
from gateway.protocols.registry import CODECS
from gateway.settings import TABLE, Settings, checked
from gateway.snapshot import (
    Endpoint,
    KeyFacts,
    PriceListFacts,
    PriceOverrideFacts,
    RouteFacts,
    Snapshot,
    TargetFacts,
    UpstreamFacts,
)

log = logging.getLogger("gatehouse.loading")

EVERYONES_LIMITS = "everyones_limits"
"""The setting that holds what all keys together may use."""


async def load_snapshot(database: Database, vault: Vault, version: int) -> Snapshot:
    """The configuration as the database has it now."""
    async with database.read() as session:
        described = {provider.id: provider for provider in await providers.list_providers(session)}
        models = await providers.models_by_upstream(session)
        upstreams = [
            upstream_facts(row, described[row.provider_id], models.get(row.id or 0, []), vault)
            for row in await providers.list_upstreams(session)
        ]
        set_values = await list_settings(session)
        return Snapshot(
            version=version,
            keys={row.public_id: key_facts(row) for row in await keys.list_keys(session)},
            upstreams={upstream.id: upstream for upstream in upstreams},
            routes=tuple(route_facts(placed) for placed in await routes.list_routes(session)),
            aliases={alias.name: alias.model for alias in await routes.list_aliases(session)},
            prices=tuple(price_facts(row) for row in await prices.list_prices(session)),
            owners={row.name: limits_in(row.limits) for row in await owners.list_owners(session)},
            everyone=limits_in(set_values.get(EVERYONES_LIMITS)),
            settings=settings_of(set_values),
            price_lists=tuple(list_facts(row) for row in await prices.list_price_lists(session)),
        )


def settings_of(set_values: dict[str, Value]) -> Settings:
    """What holds; a value that an earlier version took, and this one would not, holds no longer."""
    taken: dict[str, object] = {}
    for name in TABLE.keys() & set_values:
        with contextlib.suppress(BadRequest):
            taken[name] = checked(name, set_values[name])
    return msgspec.convert(taken, Settings)


def key_facts(row: Key) -> KeyFacts:
    """A key as policy sees it."""
    return KeyFacts(
        id=row.id or 0,
        public_id=row.public_id,
        secret_hash=row.secret_hash,
        name=row.name,
        owner=row.owner,
        enabled=row.enabled,
        expires_at=row.expires_at,
        revoked=row.revoked_at is not None,
        limits=limits_of(row),
        brake=msgspec.convert(row.brake, Brake),
        old_secret_hash=row.old_secret_hash or b"",
        old_valid_until=row.old_valid_until or 0,
        capture_until=row.capture_until or 0,
        capture_left=row.capture_left,
        capture_hours=row.capture_hours,
    )


def limits_of(row: Key) -> Limits:
    """What holds for a key; its models have a column of their own."""
    limits = limits_in(row.limits)
    return replace(limits, models=tuple(row.models)) if row.models else limits


def limits_in(stored: object) -> Limits:
    """Limits as they are stored; where there are none it is always the same value, which requests go by unread."""
    return msgspec.convert(stored, Limits) if stored else FREE


def upstream_facts(row: Upstream, provider: Provider, models: list[str], vault: Vault) -> UpstreamFacts:
    """An account ready to be called; switched off when its credential cannot be read."""
    credential = unsealed(row, vault)
    return UpstreamFacts(
        id=row.id or 0,
        name=row.name,
        provider_id=row.provider_id,
        provider_title=provider.title,
        endpoints=endpoints_of(row, provider),
        credential=credential or "",
        dialect=row.dialect or provider.dialect,
        price_id=provider.price_id,
        local=provider.local,
        weight=row.weight,
        enabled=row.enabled and credential is not None,
        models=frozenset(models),
        unpriced=row.unpriced,
        videos=videos_of(row, provider),
    )


def endpoints_of(row: Upstream, provider: Provider) -> dict[Protocol, Endpoint]:
    """How to speak each of the provider's protocols with this account, in the usual order of protocols."""
    urls = provider.endpoints | row.base_urls
    return {
        protocol: Endpoint(protocol, urls[protocol], provider.signers.get(protocol, CODECS[protocol].signer))
        for protocol in PROTOCOLS
        if protocol in urls and protocol in CODECS
    }


def videos_of(row: Upstream, provider: Provider) -> dict[VideoShape, Endpoint]:
    """Where this account's video tasks are."""
    urls = provider.endpoints | row.base_urls
    usual = CODECS["openai_chat"].signer
    return {
        shape: Endpoint("openai_chat", urls[shape], provider.signers.get(shape, usual))
        for shape in VIDEO_SHAPES
        if shape in urls
    }


def unsealed(row: Upstream, vault: Vault) -> str | None:
    """The account's credential, empty when it has none; None when it cannot be read, as one damaged row may be."""
    if row.credential is None:
        return ""
    try:
        return vault.unseal(row.credential, *credential_place(row.id or 0))
    except DataError:
        log.exception("the credential of upstream %s cannot be read; it is switched off", row.id)
        return None


def credential_place(upstream_id: int) -> tuple[str, int, str]:
    """Where an account's credential lies: it is sealed for this place only."""
    return ("upstreams", upstream_id, "credential")


def route_facts(placed: routes.PlacedRoute) -> RouteFacts:
    """A route with its targets."""
    route = placed.route
    return RouteFacts(
        id=route.id or 0,
        name=route.name,
        patterns=patterns_of(route.pattern),
        enabled=route.enabled,
        targets=tuple(target_facts(target) for target in placed.targets),
        strict=route.strict,
        web_search=route.web_search,
    )


def patterns_of(pattern: str) -> tuple[str, ...]:
    """The globs in a pattern, which commas part."""
    return tuple(glob for part in pattern.split(",") if (glob := part.strip()))


def target_facts(row: RouteTarget) -> TargetFacts:
    """One place a route sends to."""
    return TargetFacts(upstream_id=row.upstream_id, model=row.model, priority=row.priority, weight=row.weight)


def price_facts(row: PriceOverride) -> PriceOverrideFacts:
    """A price that the operator set."""
    return PriceOverrideFacts(
        id=row.id or 0,
        provider_id=row.provider_id,
        pattern=row.model,
        prices=row.prices,
        since=row.since,
        until=row.until,
    )


def list_facts(row: PriceList) -> PriceListFacts:
    """A list of prices that the operator took on."""
    return PriceListFacts(
        id=row.id or 0,
        source=row.source,
        version=row.version,
        rows=row.rows,
        accepted_at=row.accepted_at,
        withdrawn_at=row.withdrawn_at,
    )
