"""Anybody's addresses are told from near ones, in every form that a system may write them."""

import socket

import pytest

from gateway.addresses import NotPublic, Resolve, Resolved, is_loopback, is_public, resolve_public

PUBLIC = ("8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "2606:4700::1111")
NEAR = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200"),  # noqa: S104
    *("127.0.0.1", "127.1.2.3", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1"),
    *("239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
    *("::ffff:7f00:1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1"),
    *("2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *(
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:4860:4860::8888%1x",
        "",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
    ),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_anybodys(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NEAR)
def test_near_special_and_tunnelled_addresses_are_not(address: str) -> None:
    assert not is_public(address)


def names(*places: str) -> Resolve:
    """A resolver that gives one of these answers at each call, a comma between places of one answer."""
    answers = iter(places)

    async def resolve(host: str, port: int) -> Resolved:
        return [(socket.AF_INET, (place, port)) for place in next(answers).split(",")]

    return resolve


@pytest.mark.parametrize("places", ["127.0.0.1", "8.8.8.8,127.0.0.1", "169.254.169.254,8.8.8.8"])
async def test_a_name_is_refused_if_only_one_of_its_places_is_near(places: str) -> None:
    with pytest.raises(NotPublic):
        await resolve_public("two.example", 443, names(places))


async def test_a_name_that_is_led_elsewhere_after_it_was_looked_at_is_not_looked_up_again() -> None:
    resolve = names("8.8.8.8", "127.0.0.1")
    assert await resolve_public("one.example", 443, resolve) == [(socket.AF_INET, ("8.8.8.8", 443))]


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("192.168.1.4", False),
        ("gateway.example.org", False),
    ],
)
def test_only_addresses_that_stay_on_the_machine_count_as_loopback(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
