"""TLS of the client to upstreams, against servers with certificates of our own. On asyncio's loop and on uvloop."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.transport import UpstreamTransport, tls_context

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


async def hello(peer) -> None:
    while True:
        await peer.request()
        await peer.send(HELLO)


async def hello_once(peer) -> None:
    await peer.request()
    await peer.send(HELLO)


async def hello_then_close_on_the_next(peer) -> None:
    await hello_once(peer)
    await peer.request()


async def silent(peer) -> None:
    await peer.gone()


async def echo(peer) -> None:
    """Answers with the request as it came."""
    while True:
        request = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request), request))


async def fetch(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> bytes:
    return await (await transport.handle_async_request(request)).aread()


def certificate(issuer: str, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName]) -> bytes:
    now = datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def tls(tmp_path: Path):
    """Makes a server's TLS context for the given names, and the file that a client must trust."""

    def make(*names: x509.GeneralName) -> tuple[ssl.SSLContext, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        trusted, chain = tmp_path / "trusted.pem", tmp_path / "chain.pem"
        trusted.write_bytes(certificate("A test's own authority", key, list(names)))
        chain.write_bytes(secret + trusted.read_bytes())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context, trusted

    return make


HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@pytest.fixture
def fresh_tls_context():
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


@pytest.mark.usefixtures("fresh_tls_context")
async def test_tls_trusts_what_the_operator_trusts_and_speaks_http_1_1(serve, transport, tls, monkeypatch):
    async def tell_protocol(peer) -> None:
        while True:
            await peer.request()
            chosen = peer.writer.get_extra_info("ssl_object").selected_alpn_protocol()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + chosen.encode())

    context, trusted = tls(HERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    upstream = await serve(tell_protocol, tls=context)
    for _ in range(3):
        assert await fetch(transport, upstream.request()) == b"http/1.1"
    assert upstream.connections == 1


async def test_an_unknown_certificate_is_refused_before_anything_is_sent(serve, transport, tls):
    context, _ = tls(HERE)
    upstream = await serve(hello, tls=context)
    with pytest.raises(httpx.ConnectError, match="certificate was not accepted"):
        await fetch(transport, upstream.request())
    assert transport.open_connections == 0


async def test_a_certificate_for_another_host_is_refused(serve, tls):
    context, trusted = tls(x509.DNSName("elsewhere.example"))
    transport = UpstreamTransport(ssl_context=ssl.create_default_context(cafile=trusted))
    upstream = await serve(hello, tls=context)
    with pytest.raises(httpx.ConnectError, match=r"IP address mismatch$"):
        await fetch(transport, upstream.request())
    await transport.aclose()


async def test_large_bodies_and_slow_readers_work_over_tls(serve, tls):
    context, trusted = tls(HERE)
    transport = UpstreamTransport(ssl_context=ssl.create_default_context(cafile=trusted))
    upstream = await serve(echo, tls=context)
    body = bytes(range(256)) * 8192
    response = await transport.handle_async_request(upstream.request(body))
    received = []
    async for chunk in response.stream:
        received.append(chunk)
        await asyncio.sleep(0.001)
    assert b"".join(received).endswith(b"\r\n\r\n" + body)
    assert transport.idle_connections == 1
    await transport.aclose()


async def test_a_stale_tls_connection_is_replaced_unseen(serve, tls):
    context, trusted = tls(HERE)
    transport = UpstreamTransport(ssl_context=ssl.create_default_context(cafile=trusted))
    upstream = await serve(hello_then_close_on_the_next, hello, tls=context)
    for _ in range(3):
        assert await fetch(transport, upstream.request()) == b"hello"
    assert upstream.connections == 2
    await transport.aclose()


async def test_a_tls_upstream_that_never_shakes_hands_is_given_up(serve, transport):
    upstream = await serve(silent)
    request = httpx.Request("GET", f"https://127.0.0.1:{upstream.port}/", extensions={"timeout": {"connect": 0.1}})
    with pytest.raises(httpx.ConnectTimeout):
        await fetch(transport, request)
    await upstream.emptied()


async def test_a_tls_handshake_can_be_cancelled_without_a_trace(serve, transport):
    upstream = await serve(silent)
    task = asyncio.create_task(fetch(transport, httpx.Request("GET", f"https://127.0.0.1:{upstream.port}/")))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.emptied()


async def test_an_upstream_that_does_not_speak_tls_is_a_connect_error(serve, transport):
    async def plain(peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    upstream = await serve(plain)
    with pytest.raises(httpx.ConnectError, match="no TLS connection"):
        await fetch(transport, httpx.Request("GET", f"https://127.0.0.1:{upstream.port}/"))
    await upstream.emptied()
