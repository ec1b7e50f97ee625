"""Client keys: listing, creating, changing, and revoking at once."""

from collections import Counter
from typing import Literal

import msgspec
from msgspec.structs import replace

from data import keys
from data.database import Session
from data.limits import RELEASED, Brake
from data.secrets import new_key
from data.tables import Key
from data.usage import KeyActivity, key_activity
from gateway.accounting import RotateKey, SetBrake
from gateway.answers import limits, values
from gateway.answers.desk import Desk
from gateway.errors import BadRequest, Cut
from gateway.operations import CreateKey, Done, EditKey, KeyCreated, KeyView, ListKeys, RevokeKey, SetKeyEnabled

LONGEST_OVERLAP = 366 * 86_400
"""Seconds that an old secret may stay good after a rotation."""
FASTEST_BRAKE = 1_000_000
"""Tokens a second; more would be none."""


async def list_keys(desk: Desk, _: ListKeys) -> list[KeyView]:
    """All keys, revoked ones included, with what they did today."""
    await desk.flush()
    async with desk.database.read() as session:
        rows = await keys.list_keys(session)
        activity = await key_activity(session, desk.today(), desk.runtime.now())
    running = Counter(exchange.key_id for exchange in desk.runtime.running.values())
    return [view(row, activity.get(row.id or 0, KeyActivity()), running[row.id], desk.runtime.now()) for row in rows]


async def create_key(desk: Desk, operation: CreateKey) -> KeyCreated:
    """A new key with its secret, which nobody can be told again."""
    made = new_key()
    row = Key(
        public_id=made.public_id,
        secret_hash=desk.vault.hash_secret(made.secret),
        tail=made.text[-4:],
        name=values.name(operation.name),
        owner=values.owner(operation.owner),
        note=values.note(operation.note, "note"),
        models=values.models(operation.models),
        tags=values.tags(operation.tags),
        limits=msgspec.to_builtins(replace(limits.checked(operation.limits), models=())),
        created_at=desk.runtime.now(),
        expires_at=values.expiry(operation.expires_at, desk.runtime.now()),
    )
    async with desk.change("keys") as change:
        await check_free(change.session, row.name)
        await keys.add_key(change.session, row)
        change.told("key_created", f"created key {row.name}", RevokeKey(row.id or 0))
    return KeyCreated(view(row, KeyActivity(), 0, desk.runtime.now()), made.text)


async def edit_key(desk: Desk, operation: EditKey) -> KeyView:
    """Change what is given of a key."""
    async with desk.change() as change:
        row = await find_usable(change.session, operation.id)
        if operation.name is not None and (wanted := values.name(operation.name)) != row.name:
            await check_free(change.session, wanted)
            row.name = wanted
        if operation.owner is not None:
            row.owner = values.owner(operation.owner)
        if operation.note is not None:
            row.note = values.note(operation.note, "note")
        if operation.models is not None:
            row.models = values.models(operation.models)
        if operation.tags is not None:
            row.tags = values.tags(operation.tags)
        row.expires_at = changed_expiry(row, operation, desk.runtime.now())
        change.told("key_edited", f"changed key {row.name}")
    return await view_of(desk, row)


async def set_key_enabled(desk: Desk, operation: SetKeyEnabled) -> KeyView:
    """Switch a key on; or off, at once, which cuts what it has running."""
    if operation.enabled:
        return await view_of(desk, await store_enabled(desk, operation.id, True, 0))
    async with desk.shut(operation.id, Cut("This key was switched off.", code="key_disabled")) as cut:
        row = await store_enabled(desk, operation.id, False, cut)
    return await view_of(desk, row)


async def revoke_key(desk: Desk, operation: RevokeKey) -> Done:
    """End a key for good: refused and cut before the database has heard of it. Doing so again does no harm."""
    revoked = Cut("This key was revoked.", code="key_revoked")
    async with desk.shut(operation.id, revoked) as cut, desk.change() as change:
        row = await find(change.session, operation.id)
        row.revoked_at, row.enabled = row.revoked_at or desk.runtime.now(), False
        row.old_secret_hash = row.old_valid_until = None
        told = f"revoked key {row.name}{and_cut(cut)}"
        change.told("key_revoked", told)
    return Done(told)


async def rotate_key(desk: Desk, operation: RotateKey) -> KeyCreated:
    """Another secret for a key; the one before stays good for a while, and any before that ends."""
    overlap = values.between(operation.overlap_seconds, 0, LONGEST_OVERLAP, "overlap_seconds")
    async with desk.change() as change:
        row = await find_usable(change.session, operation.id)
        made = new_key(row.public_id)
        row.old_secret_hash = row.secret_hash if overlap else None
        row.old_valid_until = desk.runtime.now() + overlap * 1_000_000 if overlap else None
        row.old_last_used_at = None
        row.secret_hash, row.tail = desk.vault.hash_secret(made.secret), made.text[-4:]
        good = f"stays good for {values.span(overlap)}" if overlap else "is refused from now on"
        change.told("key_rotated", f"gave key {row.name} another secret; the old one {good}")
    desk.runtime.old_secrets_used.pop(operation.id, None)
    return KeyCreated(await view_of(desk, row), made.text)


async def set_brake(desk: Desk, operation: SetBrake) -> KeyView:
    """Slow a key down, hold it, freeze it, or let it go again."""
    brake = operation.brake
    if brake.tokens_per_second is not None:
        values.between(brake.tokens_per_second, 1, FASTEST_BRAKE, "tokens_per_second")
    if brake.approve_above_micros is not None:
        values.between(brake.approve_above_micros, 0, limits.MOST_MICROS, "approve_above_micros")
    async with desk.change() as change:
        row = await find_usable(change.session, operation.id)
        row.brake = msgspec.to_builtins(brake)
        change.told("key_braked", f"key {row.name}: {brake_words(brake)}")
    return await view_of(desk, row)


def brake_words(brake: Brake) -> str:
    """What a brake does, in a phrase."""
    if brake == RELEASED:
        return "released the brake"
    said = (
        "frozen, new requests are refused" if brake.frozen else "",
        "new requests are held" if brake.hold else "",
        f"slowed to {brake.tokens_per_second} tokens/s" if brake.tokens_per_second else "",
        "dear requests wait for approval" if brake.approve_above_micros is not None else "",
    )
    return ", ".join(filter(None, said))


async def store_enabled(desk: Desk, key_id: int, enabled: bool, cut: int) -> Key:
    """Write down whether a key is switched on. Undoing it cuts answers like any switching off."""
    async with desk.change() as change:
        row = await find_usable(change.session, key_id)
        before, row.enabled = row.enabled, enabled
        code, how = ("key_enabled", "on") if enabled else ("key_disabled", "off")
        undone_by = SetKeyEnabled(key_id, before) if before is not enabled else None
        change.told(code, f"switched key {row.name} {how}{and_cut(cut)}", undone_by)
    return row


async def find(session: Session, key_id: int) -> Key:
    """The key of this number."""
    row = await keys.get_key(session, key_id)
    if row is None:
        raise values.missing("key", key_id)
    return row


async def find_usable(session: Session, key_id: int) -> Key:
    """A key that may still be changed."""
    row = await find(session, key_id)
    if row.revoked_at is not None:
        raise BadRequest(f"The key {row.name} was revoked for good; create a new one.", code="key_revoked")
    return row


async def check_free(session: Session, name: str) -> None:
    """Raises `BadRequest` if a key of this name is in use."""
    if any(row.name == name and row.revoked_at is None for row in await keys.list_keys(session)):
        raise values.refuse("name", f"must be another one: there is a key {name} already")


def changed_expiry(row: Key, operation: EditKey, now: int) -> int | None:
    """When a key will expire after an edit."""
    if operation.never_expires:
        return None
    if operation.expires_at is not None:
        return values.expiry(operation.expires_at, now)
    return row.expires_at


async def view_of(desk: Desk, row: Key) -> KeyView:
    """A key with what it did lately."""
    return next(key for key in await list_keys(desk, ListKeys()) if key.id == row.id)


def view(row: Key, activity: KeyActivity, running: int, now: int) -> KeyView:
    """A key as the operator sees it."""
    return KeyView(
        id=row.id or 0,
        public_id=row.public_id,
        tail=row.tail,
        name=row.name,
        owner=row.owner,
        note=row.note,
        models=row.models,
        state=state_of(row, now),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        running=running,
        requests_today=activity.requests,
        tokens_today=activity.tokens,
        cost_today_micros=activity.cost_micros,
        requests_by_hour=activity.by_hour,
        tags=row.tags,
        brake=msgspec.convert(row.brake, Brake),
        old_valid_until=row.old_valid_until if (row.old_valid_until or 0) > now else None,
        old_last_used_at=row.old_last_used_at,
        capture_until=row.capture_until,
        capture_left=row.capture_left,
    )


def state_of(row: Key, now: int) -> Literal["on", "off", "expired", "revoked"]:
    """The most final of a key's states."""
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "on" if row.enabled else "off"


def and_cut(count: int) -> str:
    """The end of a sentence that tells how many answers were cut."""
    return f", cut {count} running {'answer' if count == 1 else 'answers'}" if count else ""
