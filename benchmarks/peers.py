"""The programs that are compared, each started in front of the same upstream."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from benchmarks import processes
from benchmarks.load import Address

CONSOLE = str(Path(sys.executable).with_name("console"))

NGINX_CONF = """
worker_processes 1;
daemon off;
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  client_max_body_size 64m; client_body_buffer_size 1m;
  keepalive_requests 100000000;
  upstream far {{ server 127.0.0.1:{far}; keepalive 2048; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://far; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_request_buffering on;
    }}
  }}
}}
"""


class KeyCreated(msgspec.Struct, frozen=True):
    """What is read of `console key create --json`."""

    secret: str


@contextmanager
def upstream() -> Iterator[Address]:
    """The made-up provider that all of them stand before."""
    port = processes.free_port()
    command = [sys.executable, "-m", "benchmarks.upstream", "--port", str(port)]
    with processes.running(command, port=port, on=processes.cores()[0]) as pid:
        yield Address(f"http://127.0.0.1:{port}/v1", pid=pid)


@contextmanager
def nginx(far: Address, home: Path) -> Iterator[Address]:
    """nginx as a bare reverse proxy, one worker, streams not buffered."""
    port = processes.free_port()
    home.mkdir()
    conf = home / "nginx.conf"
    conf.write_text(NGINX_CONF.format(home=home, port=port, far=port_of(far)))
    command = ["nginx", "-p", str(home), "-c", str(conf), "-e", str(home / "error.log")]
    with processes.running(command, port=port, on=processes.cores()[1]) as pid:
        yield Address(f"http://127.0.0.1:{port}/v1", pid=pid)


@contextmanager
def plain_relay(far: Address) -> Iterator[Address]:
    """Litestar and httpx as their manuals show them."""
    port = processes.free_port()
    command = [sys.executable, "-m", "benchmarks.plain_relay", "--port", str(port), "--upstream", far.base_url]
    with processes.running(command, port=port, on=processes.cores()[1]) as pid:
        yield Address(f"http://127.0.0.1:{port}/v1", pid=pid)


@contextmanager
def gateway(far: Address, data: Path, key: str = "") -> Iterator[Address]:
    """This gateway without a console, all of its features on; set up unless there is a key from before."""
    port = processes.free_port()
    command = [CONSOLE, "serve", "--data", str(data), "--port", str(port)]
    with processes.running(command, port=port, on=processes.cores()[1]) as pid:
        yield Address(f"http://127.0.0.1:{port}/v1", key=key or set_up(far, data), pid=pid)


def set_up(far: Address, data: Path) -> str:
    """Give the gateway its upstream, with a price, so that all it relays is charged and booked; and us a key."""
    ask(data, "provider", "add", "openai-compatible", "--base-url", far.base_url, "--name", "far", "--key-stdin")
    ask(data, "price", "set", "openai-compatible", "*", "input=0.15", "output=0.60")
    return msgspec.json.decode(ask(data, "key", "create", "bench"), type=KeyCreated).secret


def ask(data: Path, *words: str) -> bytes:
    """Have the gateway's own command line do something; its answer as JSON. Any word will do for a credential."""
    command = [CONSOLE, "--data", str(data), *words, "--json"]
    done = subprocess.run(command, input=b"none\n", capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"console {' '.join(words)} failed:\n{done.stderr.decode()}{done.stdout.decode()}")
    return done.stdout


@contextmanager
def every(home: Path) -> Iterator[dict[str, Address]]:
    """All that this machine has, by name, the upstream itself as `direct`."""
    with ExitStack() as stack:
        far = stack.enter_context(upstream())
        peers = {"direct": Address(far.base_url), "gatehouse": stack.enter_context(gateway(far, home / "data"))}
        if shutil.which("nginx"):
            peers["nginx"] = stack.enter_context(nginx(far, home / "nginx"))
        peers["plain httpx"] = stack.enter_context(plain_relay(far))
        yield peers


def port_of(address: Address) -> str:
    """The port in a base URL."""
    return address.base_url.rpartition(":")[2].partition("/")[0]
