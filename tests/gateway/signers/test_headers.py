"""Credentials that are sent as they are."""

import pytest

from gateway.errors import UpstreamFailed
from gateway.signers.headers import static_headers
from gateway.signers.table import sign


@pytest.mark.parametrize(
    ("signer", "headers"),
    [
        ("bearer", [(b"authorization", b"Bearer k")]),
        ("x-api-key", [(b"x-api-key", b"k")]),
        ("api-key", [(b"api-key", b"k")]),
        ("x-goog-api-key", [(b"x-goog-api-key", b"k")]),
        ("none", []),
        ("google-service-account", None),
    ],
)
def test_each_signer_has_its_own_header(signer: str, headers: list[tuple[bytes, bytes]] | None) -> None:
    assert static_headers(signer, "k") == headers


def test_an_upstream_without_a_credential_gets_no_header() -> None:
    assert static_headers("bearer", "") == []


async def test_an_unknown_signer_fails_without_naming_the_credential() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        await sign("rot13", "secret")
    assert "secret" not in caught.value.message
