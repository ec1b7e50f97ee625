"""Media at addresses that clients name are fetched from public places alone: a trap on this machine stays untouched."""

import asyncio
import base64
import functools
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway import fetching
from gateway.addresses import Resolved, resolve_public
from gateway.errors import BadRequest
from gateway.fetching import fetch
from gateway.protocols.remote_media import Address
from gateway.transport import UpstreamTransport

PICTURE = b"\x89PNG" + bytes(range(256))
NAMES = {
    "inside.test": ("127.0.0.1",),
    "metadata.test": ("169.254.169.254",),
    "mixed.test": ("8.8.8.8", "127.0.0.1"),
    "carrier.test": ("100.64.0.1",),
    "six.test": ("::1",),
    "mapped.test": ("::ffff:127.0.0.1",),
    "tunnel.test": ("2002:7f00:1::",),
    "translated.test": ("64:ff9b::7f00:1",),
    "local.test": ("fd00::1",),
    "everybody.test": ("224.0.0.1",),
    "nobody.test": ("0.0.0.0",),  # noqa: S104
}
HOSTS = (
    *("127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "0", "0.0.0.0", "localhost"),  # noqa: S104
    *("LOCALHOST", "localhost.", "127.0.0.1.", "2130706433", "017700000001", "0x7f000001", "0x7f.0x0.0x0.0x1"),
    *("0177.0.0.1", "0177.0.0.01", "0x7f.1", "127.0x0.0.1", "00127.0.0.1", "127.000.000.001", "127.0.0.1%00"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]"),
    *("[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]"),
    *("[ff02::1]", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200"),
    *("168.63.129.16", "192.0.0.192", "100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "2852039166"),
    *("0xa9fea9fe", "0251.0376.0251.0376", "１２７.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "ⓛocalhost", *NAMES),  # noqa: RUF001
    *("INSIDE.test", "inside.test.", "a@127.0.0.1", "a:b@127.0.0.1", "8.8.8.8@127.0.0.1", "127.0.0.1:80@127.0.0.1"),
    *(":@127.0.0.1", "8.8.8.8#@127.0.0.1", "8.8.8.8\\@127.0.0.1", "127.0.0.1\\.8.8.8.8", "127.0.0.1 ", " 127.0.0.1"),
    *("127.0.0.1\t", "127.0.0.1\r\nHost: x", "127.0.0.1\x00", "", ".", "..", "[::1", "::1", "%31%32%37.0.0.1"),
)
"""Ways to write this machine, or what is near it."""

SCHEMES = ("ftp", "file", "gopher", "dict", "data", "ws", "unix", "HTTP+unix", "jar:http", "//", "")


class Trap:
    """A server on this machine that wants to be found."""

    def __init__(self) -> None:
        self.touched = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.touched += 1
        writer.close()


@pytest.fixture
async def trap() -> AsyncIterator[Trap]:
    trap = Trap()
    places = ["127.0.0.1", "127.0.0.2", *(["::1"] if socket.has_ipv6 else [])]
    first = await asyncio.start_server(trap.serve, places[0], 0)
    trap.port = first.sockets[0].getsockname()[1]
    servers = [first]
    for place in places[1:]:
        try:
            servers.append(await asyncio.start_server(trap.serve, place, trap.port))
        except OSError:  # this machine has no such place
            continue
    yield trap
    for server in servers:
        server.close()


async def looked_up(host: str, port: int) -> Resolved:
    """Names of the table, and what the system takes for addresses."""
    if places := NAMES.get(host.rstrip(".").lower()):
        return [(socket.AF_INET6 if ":" in place else socket.AF_INET, (place, port)) for place in places]
    numeric = 0 if host == "localhost" else socket.AI_NUMERICHOST  # nobody outside is asked for these names
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
    return [(family, address) for family, *_, address in found]


@pytest.fixture
async def guarded() -> AsyncIterator[UpstreamTransport]:
    """As the service makes it, with names of our own."""
    transport = UpstreamTransport(resolve=functools.partial(resolve_public, resolve=looked_up))
    yield transport
    await transport.aclose()


@pytest.fixture
async def unguarded() -> AsyncIterator[UpstreamTransport]:
    """One that reaches this machine, to see what else is looked at."""
    transport = UpstreamTransport()
    yield transport
    await transport.aclose()


def image(url: str) -> Address:
    return Address("image", url)


# --- where to ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
async def test_no_way_to_write_a_near_place_leads_there(guarded: UpstreamTransport, trap: Trap, host: str) -> None:
    for url in (f"http://{host}:{trap.port}/a.png", f"http://{host}/a.png", f"https://{host}:{trap.port}/a.png"):
        with pytest.raises(BadRequest) as refused:
            await fetch(guarded, image(url), plain=True)
        assert str(trap.port) not in refused.value.message
    assert trap.touched == 0


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_no_other_scheme_is_followed(guarded: UpstreamTransport, trap: Trap, scheme: str) -> None:
    with pytest.raises(BadRequest):
        await fetch(guarded, image(f"{scheme}://127.0.0.1:{trap.port}/a.png"), plain=True)
    assert trap.touched == 0


async def test_what_has_no_tls_is_not_fetched_unless_allowed(unguarded: UpstreamTransport, trap: Trap) -> None:
    with pytest.raises(BadRequest, match="https://"):
        await fetch(unguarded, image(f"http://127.0.0.1:{trap.port}/a.png"))
    assert trap.touched == 0


async def test_a_proxy_of_the_environment_is_not_asked(
    guarded: UpstreamTransport, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    with pytest.raises(BadRequest):
        await fetch(guarded, image("http://inside.test/a.png"), plain=True)
    assert trap.touched == 0


# --- what comes -------------------------------------------------------------------------------------------------------


class Site:
    """A place on this machine with one answer; what it was asked is kept."""

    def __init__(self, serve: Any) -> None:
        self._serve = serve
        self.asked: list[bytes] = []

    async def open(self, answer: bytes, *, unfinished: bool = False) -> str:
        """Where it is."""

        async def play(peer: Any) -> None:
            self.asked.append(await peer.request())
            await peer.send(answer)
            if unfinished:
                await peer.gone()

        upstream = await self._serve(play)
        return f"http://127.0.0.1:{upstream.port}"


@pytest.fixture
def site(serve: Any) -> Site:
    return Site(serve)


def whole(body: bytes = PICTURE, kind: str = "image/png", status: str = "200 OK", **fields: str) -> bytes:
    head = {"Content-Type": kind, "Content-Length": str(len(body)), **fields}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in head.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.mark.parametrize(
    ("kind", "told", "media_type"),
    [
        ("image", "image/png", "image/png"),
        ("image", "IMAGE/JPG; q=1", "image/jpeg"),
        ("document", "application/pdf", "application/pdf"),
        ("document", "image/png", "image/png"),
    ],
)
async def test_an_image_or_a_pdf_is_fetched_with_nothing_of_ours(
    unguarded: UpstreamTransport, site: Site, kind: Any, told: str, media_type: str
) -> None:
    url = await site.open(whole(kind=told))
    found = await fetch(unguarded, Address(kind, f"{url}/a?b=1#c"), plain=True)
    assert (found.media_type, base64.b64decode(found.data)) == (media_type, PICTURE)
    lines = site.asked[0].decode().lower().splitlines()
    assert lines[0] == "get /a?b=1 http/1.1"
    names = {line.partition(":")[0] for line in lines[1:] if line}
    assert names == {"host", "accept-encoding", "accept", "user-agent"}


@pytest.mark.parametrize(
    "answer",
    [
        whole(status="404 Not Found"),
        whole(status="206 Partial Content"),
        whole(kind="text/html"),
        whole(kind="application/pdf"),
        whole(kind=""),
        whole(Content_Encoding="gzip"),
        whole(b"short", Content_Length="99999999999"),
        b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=range(9),
)
async def test_what_is_no_image_is_refused(unguarded: UpstreamTransport, site: Site, answer: bytes) -> None:
    url = await site.open(answer)
    with pytest.raises(BadRequest) as refused:
        async with asyncio.timeout(3):
            await fetch(unguarded, image(url), plain=True)
    assert (refused.value.code, refused.value.param) == ("media_not_fetched", "image")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_no_redirect_is_followed(unguarded: UpstreamTransport, site: Site, trap: Trap, status: str) -> None:
    url = await site.open(whole(status=status, Location=f"http://127.0.0.1:{trap.port}/a.png"))
    with pytest.raises(BadRequest):
        await fetch(unguarded, image(url), plain=True)
    assert trap.touched == 0


async def test_what_is_too_large_is_left_where_it_is(
    unguarded: UpstreamTransport, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 100)
    url = await site.open(whole())
    with pytest.raises(BadRequest, match="larger than"):
        await fetch(unguarded, image(url), plain=True)


async def test_what_takes_too_long_is_given_up(
    unguarded: UpstreamTransport, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "SECONDS", 0.05)
    url = await site.open(whole(Content_Length="1000"), unfinished=True)
    with pytest.raises(BadRequest):
        await fetch(unguarded, image(url), plain=True)
    assert unguarded.open_connections == 0
