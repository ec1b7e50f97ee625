"""Trying an upstream out: what each kind of answer says, and which shapes of model lists are understood."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.answers.probe import Listing, fetch, judge, probe, read_names
from gateway.canonical import Protocol
from gateway.runtime import Runtime
from gateway.snapshot import Endpoint, UpstreamFacts

Serve = Callable[[dict[str, tuple[int, bytes]]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers paths as told, and 404 to all others; gives its address."""
    servers: list[asyncio.Server] = []

    async def start(answers: dict[str, tuple[int, bytes]]) -> str:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            status, body = answers.get(head.split()[1].decode(), (404, b""))
            told = b"HTTP/1.1 %d x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(body))
            writer.write(told + body)
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(handle, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


def speaking(endpoints: dict[Protocol, Endpoint], credential: str = "secret-0123") -> UpstreamFacts:
    return UpstreamFacts(
        id=1,
        name="mine",
        provider_id="mine",
        provider_title="Mine",
        endpoints=endpoints,
        credential=credential,
        dialect="standard",
        price_id=None,
        local=False,
        weight=1,
        enabled=True,
        models=frozenset(),
    )


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"object": "list", "data": [{"id": "a"}, {"id": "b"}, {"id": "a"}]}', ["a", "b"]),
        (b'{"data": [{"id": "claude", "type": "model"}], "has_more": false}', ["claude"]),
        (b'{"models": [{"name": "models/gemini", "displayName": "G"}]}', ["gemini"]),
        (b'[{"id": "bare"}]', ["bare"]),
        (b'{"data": [{"id": null}, {"id": "has space"}, {"id": "bell\\u0007"}]}', []),
        (b'{"data": null}', None),
        (b"<html>", None),
        (b"\xff", None),
    ],
)
def test_model_lists_of_every_shape_are_understood_and_nothing_else(body: bytes, names: list[str] | None) -> None:
    assert read_names(body) == names


@pytest.mark.parametrize(
    ("status", "failed", "said"),
    [
        (302, "reach", "sends us elsewhere"),
        (400, "auth", "refuses the credential"),
        (403, "auth", "refuses the credential"),
        (402, "models", "no credit"),
        (404, "models", "lists no models here"),
        (429, "models", "rate limit"),
        (500, "models", "It failed (HTTP 500)"),
        (200, "models", "no list of models"),
    ],
)
def test_each_status_fails_the_step_it_speaks_of_with_words_of_ours(status: int, failed: str, said: str) -> None:
    steps = judge(Listing(status, b"secret-0123 is wrong", 1, 2, 3), signed=True).steps
    assert [step.name for step in steps if not step.ok] == [failed]
    assert said in steps[-1].detail
    assert "secret-0123" not in repr(steps)


async def test_gemini_and_anthropic_lists_are_asked_for_in_their_own_ways(runtime: Runtime, serve: Serve) -> None:
    gemini = await serve({"/v1beta/models?pageSize=1000": (200, b'{"models": [{"name": "models/g"}]}')})
    claude = await serve({"/v1/models?limit=1000": (200, b'{"data": [{"id": "c"}]}')})
    google = speaking({"gemini": Endpoint("gemini", f"{gemini}/v1beta", "x-goog-api-key")})
    anthropic = speaking({"anthropic_messages": Endpoint("anthropic_messages", claude, "x-api-key")})
    assert (await probe(runtime, google)).models == ["g"]
    assert (await probe(runtime, anthropic)).models == ["c"]


async def test_a_protocol_without_a_list_leaves_the_word_to_the_next(runtime: Runtime, serve: Serve) -> None:
    base_url = await serve({"/v1/models?limit=1000": (200, b'{"data": [{"id": "c"}]}')})
    both = speaking(
        {
            "openai_chat": Endpoint("openai_chat", f"{base_url}/openai", "bearer"),
            "anthropic_messages": Endpoint("anthropic_messages", base_url, "x-api-key"),
        }
    )
    assert (await probe(runtime, both)).models == ["c"]


async def test_a_credential_that_cannot_be_used_fails_before_anybody_is_asked(runtime: Runtime) -> None:
    endpoint = Endpoint("gemini", "http://127.0.0.1:1", "google-service-account")
    [step] = (await probe(runtime, speaking({"gemini": endpoint}, "not-json-0123"))).steps
    assert (step.name, step.ok) == ("auth", False)
    assert "not-json-0123" not in step.detail


async def test_a_server_that_does_not_speak_http_cannot_be_reached(runtime: Runtime) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        [step] = (await probe(runtime, speaking({"openai_chat": Endpoint("openai_chat", base_url, "bearer")}))).steps
    assert (step.name, step.ok) == ("reach", False)


async def test_a_list_comes_with_how_long_each_part_of_it_took(runtime: Runtime, serve: Serve) -> None:
    base_url = await serve({"/models": (200, b"{}")})
    listing = await fetch(runtime.transport(base_url), f"{base_url}/models", [])
    assert 0 < listing.connect_us <= listing.head_us
    assert (listing.status, listing.body) == (200, b"{}")
