"""A client's key is found wherever its SDK puts it, and refused in one way whatever is wrong with it."""

import pytest
from msgspec.structs import replace

from data.secrets import NewKey, Vault, new_key
from gateway.errors import Unauthorized
from gateway.keys import authenticate
from gateway.snapshot import KeyFacts, Snapshot

VAULT = Vault(bytes(32))
NOW = 1_000_000


def facts(key: NewKey) -> KeyFacts:
    return KeyFacts(1, key.public_id, VAULT.hash_secret(key.secret), "mine", "", True, None, False)


def rotated(after: KeyFacts, before: NewKey, until: int) -> KeyFacts:
    return replace(after, old_secret_hash=VAULT.hash_secret(before.secret), old_valid_until=until)


def known(*keys: KeyFacts) -> Snapshot:
    return Snapshot(keys={key.public_id: key for key in keys})


@pytest.mark.parametrize("place", ["authorization", "x-api-key", "api-key", "x-goog-api-key", "?key="])
def test_every_place_that_an_sdk_uses_is_accepted(place: str) -> None:
    key = new_key()
    headers = {} if place == "?key=" else {place: f"Bearer {key.text}" if place == "authorization" else key.text}
    query = {"key": key.text} if place == "?key=" else {}
    assert authenticate(known(facts(key)), headers, query, VAULT, NOW).name == "mine"


def test_a_left_over_in_one_header_does_not_hide_the_key_in_another() -> None:
    key = new_key()
    headers = {"x-api-key": "sk-left-over", "authorization": f"Bearer {key.text}"}
    assert authenticate(known(facts(key)), headers, {}, VAULT, NOW).id == 1


def test_unknown_wrong_disabled_revoked_and_expired_are_refused_alike() -> None:
    key, other = new_key(), new_key()
    good = facts(key)
    wrong = replace(good, secret_hash=VAULT.hash_secret(other.secret))
    refusals = set()
    for snapshot in (
        known(),
        known(wrong),
        known(replace(good, enabled=False)),
        known(replace(good, revoked=True)),
        known(replace(good, expires_at=NOW)),
        known(rotated(wrong, key, until=NOW)),
        known(replace(rotated(wrong, key, until=NOW + 1), revoked=True)),
    ):
        with pytest.raises(Unauthorized) as refused:
            authenticate(snapshot, {"x-api-key": key.text}, {}, VAULT, NOW)
        refusals.add((refused.value.code, refused.value.message))
    assert len(refusals) == 1


def test_after_a_rotation_both_secrets_are_good_until_the_old_ones_time_is_over() -> None:
    before = new_key()
    after = new_key(before.public_id)
    snapshot = known(rotated(facts(after), before, until=NOW + 1))
    assert not authenticate(snapshot, {"x-api-key": after.text}, {}, VAULT, NOW).by_old_secret
    assert authenticate(snapshot, {"x-api-key": before.text}, {}, VAULT, NOW).by_old_secret
    with pytest.raises(Unauthorized):
        authenticate(snapshot, {"x-api-key": before.text}, {}, VAULT, NOW + 1)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_a_key_in_the_wrong_case_is_not_a_key(change: object) -> None:
    key = new_key()
    assert callable(change)
    with pytest.raises(Unauthorized):
        authenticate(known(facts(key)), {"x-api-key": change(key.text)}, {}, VAULT, NOW)


def test_a_request_without_any_key_says_where_to_put_one() -> None:
    with pytest.raises(Unauthorized, match="console key create"):
        authenticate(known(), {}, {}, VAULT, NOW)
