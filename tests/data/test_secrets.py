"""Keys that can be told from noise, credentials that open in one place only, and a master key nobody else can read."""

import base64
import logging
import random
import stat
import zlib
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail

from data.database import Database
from data.directory import DataDirectory, locate
from data.errors import DataError
from data.secrets import ALPHABET, KEY, Vault, load_master_key, new_key, parse_key, unlock

MASTER = bytes(range(32))
PLACE = ("upstreams", 1, "credential")


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_MASTER_KEY", raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return locate(tmp_path)


def test_a_new_key_has_the_documented_form_and_is_read_back() -> None:
    key = new_key()
    assert len(key.text) == len("sk-gh-") + 10 + 1 + 32 + 6
    assert key.text.startswith(f"sk-gh-{key.public_id}_{key.secret}")
    assert parse_key(key.text) == (key.public_id, key.secret)


def test_the_checksum_is_the_crc_of_what_precedes_it() -> None:
    text = new_key().text
    value = 0
    for digit in text[-6:]:
        value = value * 62 + ALPHABET.index(digit)
    assert value == zlib.crc32(text[:-6].encode())


def test_a_scanner_finds_every_key_in_noise_and_takes_no_noise_for_a_key() -> None:
    draw = random.Random(7)
    keys = [new_key().text for _ in range(20)]
    noise = [base64.urlsafe_b64encode(draw.randbytes(75_000)).decode() for _ in keys]
    posing = [
        "sk-gh-" + "".join(draw.choices(ALPHABET, k=10)) + "_" + "".join(draw.choices(ALPHABET, k=38)) for _ in keys
    ]
    text = "=".join(part for parts in zip(noise, posing, keys, strict=True) for part in parts)
    found = [each[0] for each in KEY.finditer(text)]
    assert set(posing) < set(found)
    assert [each for each in found if parse_key(each)] == keys


@given(st.integers(0, 54), st.sampled_from(ALPHABET))
def test_no_change_of_one_character_is_still_a_key(place: int, character: str) -> None:
    text = new_key().text
    changed = text[:place] + character + text[place + 1 :]
    assert changed == text or parse_key(changed) is None


@pytest.mark.parametrize(
    "change", [str.upper, str.lower, str.swapcase, lambda text: text + "\n", lambda text: text[:-1]]
)
def test_a_key_in_another_case_or_length_is_not_a_key(change: "type[str]") -> None:
    assert parse_key(change(new_key().text)) is None


@given(st.text())
def test_any_text_is_looked_at_without_an_error(text: str) -> None:
    assert parse_key(text) is None
    assert parse_key(f"sk-gh-{text}") is None


def test_two_keys_are_never_the_same_and_do_not_show_themselves() -> None:
    keys = [new_key() for _ in range(1000)]
    assert len({key.public_id for key in keys}) == len({key.secret for key in keys}) == 1000
    assert keys[0].secret not in repr(keys[0])


def test_the_hash_of_a_secret_depends_on_the_master_key() -> None:
    assert Vault(MASTER).hash_secret("secret") == Vault(MASTER).hash_secret("secret")
    assert Vault(MASTER).hash_secret("secret") != Vault(bytes(32)).hash_secret("secret")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_is_sealed_opens_again_and_never_looks_the_same_twice(text: str) -> None:
    vault = Vault(MASTER)
    sealed = vault.seal(text, *PLACE)
    assert vault.unseal(sealed, *PLACE) == text
    assert sealed != vault.seal(text, *PLACE)


@pytest.mark.parametrize(
    "place",
    [
        ("upstreams", 2, "credential"),
        ("keys", 1, "credential"),
        ("upstreams", 1, "name"),
        ("upstreams", "1", "credential"),
    ],
)
def test_a_sealed_text_moved_to_another_place_does_not_open(place: tuple[str | int, ...]) -> None:
    vault = Vault(MASTER)
    with pytest.raises(DataError, match="changed or sealed with another"):
        vault.unseal(vault.seal("secret", *PLACE), *place)


def test_no_flipped_bit_and_no_cut_goes_unnoticed() -> None:
    vault = Vault(MASTER)
    sealed = vault.seal("secret", *PLACE)
    flipped = [
        sealed[:i] + bytes((sealed[i] ^ 1 << bit,)) + sealed[i + 1 :] for i in range(len(sealed)) for bit in range(8)
    ]
    for damaged in [*flipped, *(sealed[:length] for length in range(len(sealed)))]:
        with pytest.raises(DataError):
            vault.unseal(damaged, *PLACE)


def test_an_error_about_a_sealed_text_does_not_tell_it() -> None:
    vault = Vault(MASTER)
    with pytest.raises(DataError) as caught:
        vault.unseal(vault.seal("hunter2", *PLACE), "elsewhere")
    assert "hunter2" not in str(caught.value)


def test_the_master_key_is_made_once_in_a_file_only_we_can_read(directory: DataDirectory) -> None:
    key = load_master_key(directory, create=True)
    assert len(key) == 32
    assert load_master_key(directory, create=True) == key
    assert stat.S_IMODE((directory.secrets / "master.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.secrets.stat().st_mode) == 0o700


def test_the_environment_goes_before_the_file(directory: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    load_master_key(directory, create=True)
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY", base64.b64encode(MASTER).decode())
    assert load_master_key(directory, create=True) == MASTER


@pytest.mark.parametrize("value", ["short", base64.b64encode(bytes(31)).decode(), "not base64 at all!", "ключ"])
def test_a_malformed_master_key_is_refused_without_telling_it(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY", value)
    with pytest.raises(DataError, match="not 32 bytes") as caught:
        load_master_key(directory, create=True)
    assert value not in str(caught.value)


def test_a_master_key_others_can_read_is_refused_with_the_remedy(directory: DataDirectory) -> None:
    load_master_key(directory, create=True)
    (directory.secrets / "master.key").chmod(0o640)
    with pytest.raises(DataError, match="chmod 600"):
        load_master_key(directory, create=True)


class Drawer(KeyringBackend):
    """A keyring that works."""

    __module__ = "keyring.backends.drawer"
    priority = 1.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


def test_a_key_put_into_the_keyring_is_found_there_without_being_told_again(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawer = Drawer()
    monkeypatch.setattr(keyring, "get_keyring", lambda: drawer)
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY", "keyring")
    key = load_master_key(directory, create=True)
    monkeypatch.delenv("GATEHOUSE_MASTER_KEY")
    assert load_master_key(directory, create=False) == key
    assert not (directory.secrets / "master.key").exists()


def test_a_machine_without_a_keyring_says_so(directory: DataDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY", "keyring")
    with pytest.raises(DataError, match="no system keyring"):
        load_master_key(directory, create=True)


async def test_the_right_master_key_opens_the_database_again(database: Database, directory: DataDirectory) -> None:
    sealed = (await unlock(database, directory)).seal("secret", *PLACE)
    assert (await unlock(database, directory)).unseal(sealed, *PLACE) == "secret"


async def test_another_master_key_is_refused_and_nothing_changes(
    database: Database, directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = (await unlock(database, directory)).seal("secret", *PLACE)
    monkeypatch.setenv("GATEHOUSE_MASTER_KEY", base64.b64encode(MASTER).decode())
    with pytest.raises(DataError, match="not the one this data was made with"):
        await unlock(database, directory)
    monkeypatch.delenv("GATEHOUSE_MASTER_KEY")
    assert (await unlock(database, directory)).unseal(sealed, *PLACE) == "secret"


async def test_a_lost_master_key_is_told_and_no_new_one_takes_its_place(
    database: Database, directory: DataDirectory
) -> None:
    await unlock(database, directory)
    (directory.secrets / "master.key").unlink()
    with pytest.raises(DataError, match="cannot be had from"):
        await unlock(database, directory)
    assert not (directory.secrets / "master.key").exists()


async def test_no_secret_is_in_the_database_or_in_the_log(
    database: Database, directory: DataDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vault, key = await unlock(database, directory), new_key()
    found = {"sealed": vault.seal("sk-upstream-canary", *PLACE), "hash": vault.hash_secret(key.secret)}
    assert b"canary" not in found["sealed"]
    assert key.secret.encode() not in found["hash"]
    assert key.secret not in caplog.text
