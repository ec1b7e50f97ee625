"""Which addresses of the network are anybody's, so that what clients name may be fetched from there, and which are this
machine's alone.

The rest are refused: this machine, the networks around it, and what clouds tell their machines about themselves.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Final

Resolved = list[tuple[int, tuple[str | int | bytes, ...]]]
"""Family and socket address of each place that a name stands for."""

_CLOSED_4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # a public one, at which Azure answers its own machines
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
_OPEN_6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)
"""Inside of what is open: tunnels, which lead to IPv4 addresses of their writer's choice, and examples."""


Resolve = Callable[[str, int], Awaitable[Resolved]]
"""What looks a name up."""


class NotPublic(OSError):
    """A name stands for a place, or for one among others, that is not anybody's."""


def is_public(text: str) -> bool:
    """Whether an address, as the system writes it, belongs to the internet and to nothing nearer."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if "%" in text:  # it is said over which of this machine's networks
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def resolve(host: str, port: int) -> Resolved:
    """Every place that a name stands for. Raises `OSError`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, *_, address in found]


async def resolve_public(host: str, port: int, resolve: Resolve = resolve) -> Resolved:
    """The same, where all of them are anybody's: who connects to these very addresses cannot be led elsewhere.

    Raises `NotPublic` if only one is not: a name that also stands for a near place is up to something.
    """
    found = await resolve(host, port)
    if not all(is_public(str(address[0])) for _, address in found):
        raise NotPublic
    return found
