"""What makes an account with a provider: its name, its address, its sealed credential, and its first route."""

import os

import msgspec
from msgspec import Struct

from data import providers, routes
from data.database import Session
from data.presets import endpoints_for
from data.records import ProviderPreset
from data.secrets import Vault
from data.tables import Provider, RouteTarget, Upstream
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.errors import BadRequest
from gateway.loading import credential_place, endpoints_of
from gateway.operations import AddUpstream, TestStep
from gateway.signers.headers import NONE
from gateway.snapshot import RouteFacts

CATCH_ALL = "*"
LONGEST_CREDENTIAL = 20_000
HINT = 4
"""Characters of a credential that are shown, to tell it from others."""
SHORTEST_HINTED = 16


class _ServiceAccount(Struct):
    private_key_id: str = ""


async def new(session: Session, provider: Provider, operation: AddUpstream, now: int) -> Upstream:
    """A new account, stored without its credential, which is sealed for the number that it gets here."""
    if operation.name.strip():
        name = await free_name(session, operation.name)
    else:
        name = await providers.free_upstream_name(session, provider.id)
    row = Upstream(
        name=name,
        provider_id=provider.id,
        base_urls=base_urls(provider, operation.base_url, operation.project, operation.location),
        weight=values.weight(operation.weight),
        unpriced=operation.unpriced,
        created_at=now,
    )
    return await providers.add_upstream(session, row)


async def free_name(session: Session, wanted: str) -> str:
    """A name that no other account has. Raises `BadRequest`."""
    name = values.upstream_name(wanted)
    if await providers.free_upstream_name(session, name) != name:
        raise values.refuse("name", f"must be another one: there is an upstream {name} already")
    return name


def base_urls(provider: Provider, base_url: str, project: str = "", location: str = "") -> dict[str, str]:
    """Each protocol's base URL where it is not the provider's usual one. Raises `BadRequest`."""
    if any(character in base_url for character in "?#") or not base_url.isprintable():
        raise values.refuse("base_url", "must hold no query and no fragment")
    preset = ProviderPreset(**{name: getattr(provider, name) for name in ProviderPreset.__struct_fields__})
    try:
        urls = endpoints_for(preset, base_url, project, location)
    except ValueError as error:
        raise BadRequest(str(error), param="base_url") from None
    return {protocol: url for protocol, url in urls.items() if url != provider.endpoints[protocol]}


def given_credential(provider: Provider, operation: AddUpstream) -> str:
    """The credential as it was typed, or as the named variable of our environment holds it."""
    if not operation.credential_env:
        return checked_credential(provider, operation.credential)
    credential = os.environ.get(operation.credential_env, "")
    if not credential.strip():
        allowed = f"must name a variable of the gateway's environment; {operation.credential_env} is not set there"
        raise values.refuse("credential_env", allowed)
    return checked_credential(provider, credential)


def checked_credential(provider: Provider, text: str) -> str:
    """A credential that can be one. Raises `BadRequest`, which does not quote it."""
    text = text.strip()
    if not text and needs_credential(provider):
        raise values.refuse("credential", f"is needed: {provider.title} answers nobody without one")
    is_line = text.isascii() and text.isprintable() and " " not in text
    if len(text) > LONGEST_CREDENTIAL or not (is_line or text.startswith("{")):
        raise values.refuse("credential", "must be one word of ASCII characters, or a JSON object")
    return text


def needs_credential(provider: Provider) -> bool:
    """Whether calls to a provider must prove who we are; a server at an address of the operator's own need not ask."""
    if provider.local or provider.needs_base_url:
        return False
    endpoints = endpoints_of(unplaced(provider), provider)
    return any(endpoint.signer != NONE for endpoint in endpoints.values())


def unplaced(provider: Provider) -> Upstream:
    """An account at a provider's usual address, stored nowhere."""
    return Upstream(name="", provider_id=provider.id, base_urls={}, created_at=0)


def seal(vault: Vault, row: Upstream, credential: str) -> None:
    """Put a credential into its place; an empty one takes away what was there."""
    row.credential = vault.seal(credential, *credential_place(row.id or 0)) if credential else None
    row.credential_hint = hint_of(credential)


def hint_of(credential: str) -> str:
    """The end of a credential, or of what names it; nothing of a short one."""
    if credential.startswith("{"):
        try:
            credential = msgspec.json.decode(credential, type=_ServiceAccount).private_key_id
        except msgspec.DecodeError:
            return ""
    return credential[-HINT:] if len(credential) >= SHORTEST_HINTED else ""


async def route_first(desk: Desk, row: Upstream, listed: bool) -> list[TestStep]:
    """See to it that an account without known models is reached, and say so when a route keeps another from that."""
    snapshot = desk.runtime.snapshot
    catching = next((route for route in snapshot.routes if catches_all(route)), None)
    if catching is not None:
        told = f"Route {catching.name} takes every model that no earlier route takes; add {row.name} to its targets."
    elif listed:
        return []
    elif len(snapshot.upstreams) > 1:
        told = f"Without a list of models, ask for them as {row.name}:model, or add a route to it."
    else:
        told = f"Route default was added: it sends every model to {row.name}."
        async with desk.change() as change:
            route = await routes.add_route(change.session, "default", CATCH_ALL)
            await routes.set_targets(change.session, route, [RouteTarget(route_id=0, upstream_id=row.id or 0)])
            change.told("route_saved", told)
    return [TestStep("route", True, told, 0)]


def catches_all(route: RouteFacts) -> bool:
    """Whether a route takes whatever comes to it."""
    return route.enabled and bool(route.targets) and CATCH_ALL in route.patterns
