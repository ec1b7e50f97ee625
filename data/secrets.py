"""Client keys, sealed credentials, and where the master key lies. Nothing here is ever logged."""

import asyncio
import base64
import binascii
import hmac
import os
import re
import secrets
import string
import zlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from data.database import Database
from data.directory import DataDirectory, make_private
from data.errors import DataError
from data.settings import get_setting, put_setting

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
PREFIX = "sk-gh-"
PUBLIC_LENGTH = 10
SECRET_LENGTH = 32
CHECKSUM_LENGTH = 6
KEY = re.compile(rf"({PREFIX}([0-9A-Za-z]{{{PUBLIC_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}}))([0-9A-Za-z]{{6}})")

VARIABLE = "GATEHOUSE_MASTER_KEY"
IN_KEYRING = "keyring"
"""The variable's value that puts the master key into the system's keyring."""
SEAL_VERSION = 1
NONCE_LENGTH = 12
CHECK = "master_key_check"
"""The setting that tells whether a master key is the one this database was made with."""


class NewKey(Struct, frozen=True):
    """A client key as it is made; only here is its secret known."""

    public_id: str
    secret: str
    text: str
    """What the client is given."""

    def __repr__(self) -> str:
        return f"NewKey({self.public_id!r})"


def new_key(public_id: str = "") -> NewKey:
    """A key with 190 random bits, and a checksum so that scanners and we can tell it from noise.

    One that is there already keeps its public id.
    """
    public_id, secret = public_id or _random(PUBLIC_LENGTH), _random(SECRET_LENGTH)
    body = f"{PREFIX}{public_id}_{secret}"
    return NewKey(public_id, secret, body + _checksum(body))


def parse_key(text: str) -> tuple[str, str] | None:
    """A key's public id and secret; None for what cannot be a key of ours."""
    found = KEY.fullmatch(text)
    if found is None or found[4] != _checksum(found[1]):
        return None
    return found[2], found[3]


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        rest, digit = divmod(rest, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


class Vault:
    """What can be done with the master key, which itself is not kept."""

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(_derive(master_key, b"gatehouse: sealing"))
        # Made ready once: each request hashes a key, and a copy is cheaper than the pepper's two blocks again.
        self._hash = hmac.new(_derive(master_key, b"gatehouse: client keys"), digestmod="sha256")

    def hash_secret(self, secret: str) -> bytes:
        """What is stored of a client key's secret: without the master key even a guess cannot be checked."""
        hashed = self._hash.copy()
        hashed.update(secret.encode())
        return hashed.digest()

    def seal(self, text: str, *place: str | int) -> bytes:
        """Encrypt for one place (table, row, column): anywhere else it does not open."""
        return self.seal_bytes(text.encode(), *place)

    def seal_bytes(self, content: bytes, *place: str | int) -> bytes:
        """The same for what is no text."""
        nonce = os.urandom(NONCE_LENGTH)
        return bytes((SEAL_VERSION,)) + nonce + self._cipher.encrypt(nonce, content, _bind(place))

    def unseal(self, sealed: bytes, *place: str | int) -> str:
        """The text again. Raises `DataError` if anything was changed, or if it was sealed for another place."""
        return self.unseal_bytes(sealed, *place).decode()

    def unseal_bytes(self, sealed: bytes, *place: str | int) -> bytes:
        """The same for what is no text."""
        nonce, body = sealed[1 : 1 + NONCE_LENGTH], sealed[1 + NONCE_LENGTH :]
        try:
            if sealed[:1] != bytes((SEAL_VERSION,)):
                raise ValueError("unknown version")
            return self._cipher.decrypt(nonce, body, _bind(place))
        except (InvalidTag, ValueError) as error:
            where = " ".join(str(part) for part in place)
            raise DataError(f"what is stored at {where} was changed or sealed with another master key") from error


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(master_key)


def _bind(place: tuple[str | int, ...]) -> bytes:
    return msgspec.json.encode((SEAL_VERSION, *place))


async def unlock(database: Database, directory: DataDirectory) -> Vault:
    """The vault of this database; its master key is made on first use. Raises `DataError` if the key is another one."""
    async with database.read() as session:
        check = await get_setting(session, CHECK)
    vault = Vault(await asyncio.to_thread(load_master_key, directory, create=check is None))
    if check is None:
        async with database.write() as session:
            await put_setting(session, CHECK, base64.b64encode(vault.seal(CHECK, CHECK)).decode())
    elif not _opens(vault, str(check)):
        raise DataError(
            "the master key is not the one this data was made with; nothing was changed. "
            f"Bring back the right key, in {VARIABLE} or in {directory.secrets}"
        )
    return vault


def _opens(vault: Vault, check: str) -> bool:
    try:
        return vault.unseal(base64.b64decode(check), CHECK) == CHECK
    except (DataError, binascii.Error):
        return False


def load_master_key(directory: DataDirectory, *, create: bool) -> bytes:
    """From the environment, the system's keyring or a file only we can read, in this order."""
    given = os.environ.get(VARIABLE, "")
    if given and given != IN_KEYRING:
        return _decode(given, VARIABLE)
    make_private(directory.secrets)
    marker = directory.secrets / "master.keyring"
    # Keyrings are slow to load and may ask questions: only when it was said that the key is there.
    if given == IN_KEYRING or marker.exists():
        key = _from_keyring(str(directory.path), create=create)
        marker.touch(0o600)
        return key
    return _from_file(directory.secrets / "master.key", create=create)


def _from_file(path: Path, *, create: bool) -> bytes:
    try:
        if create and not path.exists():
            _write_new(path, base64.b64encode(os.urandom(32)) + b"\n")
        if path.stat().st_mode & 0o077:
            raise DataError(f"other users can read the master key; close it with: chmod 600 {path}")
        return _decode(path.read_text(), str(path))
    except OSError as error:
        raise DataError(f"the master key cannot be had from {path}: {error.strerror}") from error


def _write_new(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _from_keyring(account: str, *, create: bool) -> bytes:
    import keyring
    from keyring.errors import KeyringError

    backend = keyring.get_keyring()
    if backend.priority <= 0 or not type(backend).__module__.startswith("keyring.backends."):
        raise DataError(f"there is no system keyring here; give the master key in {VARIABLE}, or leave that unset")
    try:
        if create and backend.get_password("gatehouse", account) is None:
            backend.set_password("gatehouse", account, base64.b64encode(os.urandom(32)).decode())
        found = backend.get_password("gatehouse", account)
    except KeyringError as error:
        raise DataError(f"the system keyring does not answer: {error}") from error
    if found is None:
        raise DataError(f"the system keyring holds no master key for {account}")
    return _decode(found, "the system keyring")


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise DataError(f"the master key in {source} is not 32 bytes in base64")
    return key
