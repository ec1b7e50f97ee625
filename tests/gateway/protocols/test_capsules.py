"""Capsules carry opaque tokens through clients that know nothing of them."""

import base64

import pytest

from gateway.canonical import Opaque
from gateway.protocols.capsules import SIZE_LIMIT, seal, unseal

TOKEN = Opaque(origin="google", kind="thought_signature", data="AbC+/9==", account="main")


def test_what_is_sealed_is_what_is_unsealed() -> None:
    assert unseal(seal(TOKEN)) == TOKEN


def test_a_capsule_is_standard_base64_as_a_whole() -> None:
    for size in range(6):
        capsule = seal(Opaque("openai", "encrypted", "x" * size))
        assert base64.b64encode(base64.b64decode(capsule, validate=True)).decode() == capsule


def test_a_capsule_is_known_again_in_the_url_safe_alphabet_and_without_padding() -> None:
    token = Opaque("openai", "encrypted", "ÿþ?>~" * 7)
    capsule = seal(token).replace("+", "-").replace("/", "_").rstrip("=")
    assert unseal(capsule) == token


@pytest.mark.parametrize("text", ["", "EqQBCgIYAhIM", seal(TOKEN)[:-9], seal(TOKEN) + "!", seal(TOKEN)[1:]])
def test_a_token_of_somebody_else_is_no_capsule(text: str) -> None:
    assert unseal(text) is None


def test_a_token_too_large_to_carry_is_not_carried() -> None:
    assert seal(Opaque("openai", "encrypted", "x" * SIZE_LIMIT)) == ""
