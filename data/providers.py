"""Providers, the accounts we have with them, and the models these offer. Credentials arrive and leave sealed.

A row that was read may be changed in place: the end of the write transaction saves it.
"""

from collections.abc import Collection, Iterable

from msgspec.structs import asdict
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from data.records import ProviderPreset
from data.tables import Model, Provider, Upstream


async def sync_presets(session: AsyncSession, presets: Iterable[ProviderPreset]) -> None:
    """Make the shipped providers what this version ships. What the operator described stays as it is."""
    found = {provider.id: provider for provider in await session.scalars(select(Provider))}
    shipped = [preset for preset in presets if preset.id not in found or found[preset.id].preset]
    for preset in shipped:
        if provider := found.get(preset.id):
            provider.sqlmodel_update(asdict(preset))
        else:
            session.add(Provider(preset=True, **asdict(preset)))
    await session.flush()
    gone = delete(Provider).where(
        col(Provider.preset),
        col(Provider.id).not_in([preset.id for preset in shipped]),
        col(Provider.id).not_in(select(col(Upstream.provider_id))),
    )
    await session.execute(gone)


async def list_providers(session: AsyncSession) -> list[Provider]:
    """All providers by title."""
    return list(await session.scalars(select(Provider).order_by(col(Provider.title))))


async def get_provider(session: AsyncSession, provider_id: str) -> Provider | None:
    return await session.get(Provider, provider_id)


async def add_upstream(session: AsyncSession, upstream: Upstream) -> Upstream:
    """Store a new account; gives it the id that its credential is sealed for."""
    session.add(upstream)
    await session.flush()
    return upstream


async def list_upstreams(session: AsyncSession) -> list[Upstream]:
    """All accounts, oldest first."""
    return list(await session.scalars(select(Upstream).order_by(col(Upstream.id))))


async def get_upstream(session: AsyncSession, upstream_id: int) -> Upstream | None:
    return await session.get(Upstream, upstream_id)


async def remove_upstream(session: AsyncSession, upstream_id: int) -> bool:
    """Whether there was one. Its models and its places in routes go with it."""
    upstream = await session.get(Upstream, upstream_id)
    if upstream is None:
        return False
    await session.delete(upstream)
    await session.flush()
    return True


async def free_upstream_name(session: AsyncSession, wanted: str) -> str:
    """The name wanted, numbered if it is taken."""
    taken = set(await session.scalars(select(col(Upstream.name))))
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name


async def models_by_upstream(session: AsyncSession) -> dict[int, list[str]]:
    """The names of each upstream's models in order; upstreams without any are left out."""
    by_upstream: dict[int, list[str]] = {}
    for model in await session.scalars(select(Model).order_by(col(Model.name))):
        by_upstream.setdefault(model.upstream_id, []).append(model.name)
    return by_upstream


async def replace_listed_models(session: AsyncSession, upstream: Upstream, names: Collection[str], at: int) -> None:
    """Take over the upstream's own list; what the operator typed stays."""
    await _replace(session, upstream, names, listed=True)
    upstream.models_listed_at = at


async def replace_typed_models(session: AsyncSession, upstream: Upstream, names: Collection[str]) -> None:
    """Take over what the operator typed; the upstream's own list stays."""
    await _replace(session, upstream, names, listed=False)


async def _replace(session: AsyncSession, upstream: Upstream, names: Collection[str], *, listed: bool) -> None:
    models = await session.scalars(select(Model).where(col(Model.upstream_id) == upstream.id))
    known = {model.name: model for model in models}
    for model in known.values():
        if model.listed is listed and model.name not in names:
            await session.delete(model)
    for name in dict.fromkeys(names):
        if name not in known:
            session.add(Model(upstream_id=upstream.id or 0, name=name, listed=listed))
    await session.flush()
