"""What the operator asked for is kept, and no more: counted, timed, bounded, sealed, and gone when it is wiped."""

from pathlib import Path

from data.captures import find_captures, get_capture
from data.database import Database
from data.retention import wipe_captures
from data.secrets import Vault
from gateway.capture import CUT_OFF, HOUR, LARGEST, Captures, Collected, Order

CANARY = b"canary-7f3a9d"


def vault() -> Vault:
    return Vault(bytes(32))


def holds(directory: Path) -> bool:
    return any(CANARY in file.read_bytes() for file in directory.rglob("*") if file.is_file())


def test_of_twenty_requests_five_are_collected_when_five_were_asked_for() -> None:
    captures = Captures(vault())
    captures.start(1, Order(until=100, left=5, hours=24))
    begun = [captures.begin(1, number, 10, b"") for number in range(20)]
    assert sum(each is not None for each in begun) == 5


def test_nothing_is_collected_unasked_or_of_another_key_or_after_the_time() -> None:
    captures = Captures(vault())
    captures.start(1, Order(until=100, left=5, hours=24))
    assert captures.begin(2, 1, 10, b"") is None
    assert captures.begin(1, 2, 100, b"") is None
    assert captures.begin(1, 3, 10, b"") is None


def test_what_is_too_long_is_cut_off_and_says_so() -> None:
    collected = Collected(1, 1, 0, HOUR, b"x" * (LARGEST + 1))
    for _ in range(3):
        collected.add(b"y" * LARGEST)
    assert collected.request == b"x" * LARGEST + CUT_OFF
    assert bytes(collected.answer) == b"y" * LARGEST + CUT_OFF


async def test_what_is_kept_is_sealed_on_the_disk_and_opens_with_the_vault(database: Database, tmp_path: Path) -> None:
    captures = Captures(vault())
    captures.start(1, Order(until=100, left=5, hours=24))
    collected = captures.begin(1, 9, 10, CANARY)
    assert collected is not None
    collected.add(CANARY)
    captures.keep(collected)
    await captures.flush(database)
    assert not holds(tmp_path)
    async with database.read() as session:
        row = await get_capture(session, 9, 11)
        assert row is not None
        assert await get_capture(session, 9, 10 + 24 * HOUR) is None
    assert vault().unseal_bytes(row.request, "captures", 9, "request") == CANARY
    sealed = row.request
    async with database.write() as session:
        await wipe_captures(session, await find_captures(session, 1))
    await database.checkpoint()
    assert sealed not in b"".join(file.read_bytes() for file in tmp_path.glob("*.db"))
