"""A whole gateway for tests: real files, a real port, and short ways to say what a test is about."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import blank
import httpx

from data.records import ExchangeRecord
from gateway.operations import AddUpstream, CreateKey, GetExchange, KeyCreated, ListExchanges, UpstreamView
from gateway.poller import Pace
from gateway.service import GatewayService, ServiceOptions

TRUSTED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nobody: a gateway is asked without TLS, and reading all the certificates of a system takes a while."""


class House:
    """A running gateway with a client key."""

    def __init__(self, service: GatewayService, key: KeyCreated) -> None:
        self.service = service
        self.key = key
        self.client = httpx.AsyncClient(
            base_url=service.base_url,
            headers={"authorization": f"Bearer {key.secret}"},
            timeout=20,
            verify=TRUSTED,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    @property
    def url(self) -> str:
        """Its base URL, without a path."""
        return self.service.base_url

    @property
    def secret(self) -> str:
        """The client key."""
        return self.key.secret

    async def add(self, provider_id: str, url: str, *, name: str = "up", models: tuple[str, ...] = ()) -> UpstreamView:
        """Put an upstream behind it."""
        operation = AddUpstream(
            provider_id=provider_id,
            name=name,
            credential="sk-upstream-secret",
            base_url=url,
            models=list(models),
            unpriced=True,
        )
        return (await self.service.ask(operation)).upstream

    async def exchanges(self) -> list[ExchangeRecord]:
        """All exchanges on record, newest first."""
        return await self.service.ask(ListExchanges())

    async def settled(self, index: int = 0) -> ExchangeRecord:
        """An exchange once it is no longer running; the newest unless said otherwise."""
        for _ in range(500):
            found = await self.exchanges()
            if len(found) > index and found[index].state != "running":
                return (await self.service.ask(GetExchange(found[index].id))).record
            await asyncio.sleep(0.01)
        raise AssertionError("the exchange was never settled")


@contextlib.asynccontextmanager
async def open_house(
    directory: Path,
    pace: Pace = Pace(),  # noqa: B008  # it is frozen
    key: KeyCreated | None = None,
) -> AsyncIterator[House]:
    """Start a gateway on a free port, with a new client key unless it has one already."""
    blank.lay(directory)
    service = GatewayService(ServiceOptions(directory=directory, port=0, pace=pace))
    await service.start()
    try:
        house = House(service, key or await service.ask(CreateKey(name="tests")))
        try:
            yield house
        finally:
            await house.client.aclose()
    finally:
        await service.drain(0)
        await service.stop()
