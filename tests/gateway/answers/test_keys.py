"""Client keys: what creating, editing, switching off and revoking them does."""

import asyncio

import pytest
from msgspec.structs import replace

from data.database import Database
from data.limits import RELEASED, Brake, Budget, Limits
from data.secrets import parse_key
from gateway.accounting import ListActs, RotateKey, SetBrake
from gateway.answers.desk import Desk
from gateway.errors import BadRequest, GatewayError, NotFound, Unauthorized
from gateway.events import ConfigurationChanged, Noted
from gateway.keys import authenticate
from gateway.operations import CreateKey, EditKey, KeyCreated, ListKeys, RevokeKey, SetKeyEnabled
from gateway.operator import Operator
from gateway.runtime import Runtime
from tests.gateway.answers.scripted import RunningExchange

FAR = 2**62


def admits(runtime: Runtime, created: KeyCreated) -> bool:
    headers = {"x-api-key": created.secret}
    try:
        return authenticate(runtime.snapshot, headers, {}, runtime.vault, runtime.now()).id == created.key.id
    except Unauthorized:
        return False


async def test_a_created_key_is_admitted_at_once_and_its_secret_is_nowhere_in_the_list(
    operator: Operator, runtime: Runtime
) -> None:
    created = await operator.ask(CreateKey(" mobile ", owner="team", models=["gpt-*"], expires_at=FAR))
    assert admits(runtime, created)
    assert parse_key(created.secret)
    [listed] = await operator.ask(ListKeys())
    assert (listed.name, listed.owner, listed.models, listed.state) == ("mobile", "team", ["gpt-*"], "on")
    assert listed.tail == created.secret[-4:]
    assert created.secret not in repr(listed)


async def test_a_change_is_told_to_those_who_watch_and_noted_in_the_event_list(
    operator: Operator, runtime: Runtime
) -> None:
    watching = runtime.bus.subscribe()
    created = await operator.ask(CreateKey("mobile"))
    changed, noted = watching.drain()
    assert changed == ConfigurationChanged("keys")
    assert isinstance(noted, Noted)
    assert (noted.code, noted.text) == ("key_created", "created key mobile")
    assert created.secret not in repr(noted)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (CreateKey("  "), "name"),
        (CreateKey("x" * 65), "name"),
        (CreateKey("two\nlines"), "name"),
        (CreateKey("mobile", note="bell\a"), "note"),
        (CreateKey("mobile", models=["gpt 5"]), "models"),
        (CreateKey("mobile", models=[""]), "models"),
        (CreateKey("mobile", expires_at=1), "expires_at"),
        (CreateKey("mobile", owner="x" * 65), "owner"),
        (CreateKey("mobile", tags=["two words"]), "tags"),
        (CreateKey("mobile", tags=["x" * 33]), "tags"),
        (CreateKey("mobile", tags=[str(number) for number in range(21)]), "tags"),
        (CreateKey("mobile", expires_at=2**70), "expires_at"),
    ],
)
async def test_a_value_that_cannot_be_is_refused_with_the_name_of_its_field(
    operator: Operator, wrong: CreateKey, field: str
) -> None:
    with pytest.raises(BadRequest, match=f"^{field} must") as refused:
        await operator.ask(wrong)
    assert refused.value.param == field
    assert await operator.ask(ListKeys()) == []


async def test_a_name_is_free_again_once_its_key_was_revoked(operator: Operator) -> None:
    first = await operator.ask(CreateKey("mobile"))
    with pytest.raises(BadRequest, match="there is a key mobile already"):
        await operator.ask(CreateKey("mobile"))
    await operator.ask(RevokeKey(first.key.id))
    await operator.ask(CreateKey("mobile"))
    assert [key.state for key in await operator.ask(ListKeys())] == ["revoked", "on"]


async def test_editing_a_key_changes_only_what_is_given(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile", owner="team", note="first", expires_at=FAR))).key
    edited = await operator.ask(EditKey(key.id, name="laptop", models=["claude-*"]))
    assert (edited.name, edited.owner, edited.note) == ("laptop", "team", "first")
    assert (edited.models, edited.expires_at) == (["claude-*"], FAR)
    assert (await operator.ask(EditKey(key.id, never_expires=True))).expires_at is None


async def test_revoking_a_key_refuses_it_and_cuts_its_own_running_answers_only(
    operator: Operator, runtime: Runtime
) -> None:
    created = await operator.ask(CreateKey("mobile"))
    theirs, other = RunningExchange(1, created.key.id), RunningExchange(2, created.key.id + 1)
    runtime.running |= {1: theirs, 2: other}
    done = await operator.ask(RevokeKey(created.key.id))
    assert done.text == "revoked key mobile, cut 1 running answer"
    assert not admits(runtime, created)
    assert theirs.ended_by is not None
    assert theirs.ended_by.code == "key_revoked"
    assert other.ended_by is None


async def test_revocation_does_not_wait_for_a_database_that_is_busy(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    created = await operator.ask(CreateKey("mobile"))
    running = runtime.running[1] = RunningExchange(1, created.key.id)
    async with database.write():
        revoking = asyncio.ensure_future(operator.ask(RevokeKey(created.key.id)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not admits(runtime, created)
        assert running.ended_by is not None
        assert not revoking.done()
    await revoking


async def test_another_change_meanwhile_does_not_bring_a_key_back_that_is_being_revoked(
    operator: Operator, desk: Desk, runtime: Runtime, database: Database
) -> None:
    created = await operator.ask(CreateKey("mobile"))
    async with database.write():
        revoking = asyncio.ensure_future(operator.ask(RevokeKey(created.key.id)))
        await asyncio.sleep(0)
        await desk.reload()
        assert not admits(runtime, created)
    await revoking
    assert not admits(runtime, created)


async def test_a_key_whose_revocation_cannot_be_stored_stays_and_the_operator_is_told(
    operator: Operator, runtime: Runtime, database: Database
) -> None:
    created = await operator.ask(CreateKey("mobile"))
    before = database.write
    database.write = refuse_to_write  # type: ignore[assignment, method-assign]
    with pytest.raises(OSError, match="no space"):
        await operator.ask(RevokeKey(created.key.id))
    assert admits(runtime, created)
    database.write = before  # type: ignore[method-assign]
    await operator.ask(RevokeKey(created.key.id))
    assert not admits(runtime, created)


def refuse_to_write(*, durable: bool = True) -> None:
    raise OSError("no space")


async def test_revoking_is_finished_even_if_nobody_waits_for_the_answer(operator: Operator, runtime: Runtime) -> None:
    created = await operator.ask(CreateKey("mobile"))
    impatient = asyncio.ensure_future(operator.ask(RevokeKey(created.key.id)))
    await asyncio.sleep(0)
    impatient.cancel()
    await operator.ask(CreateKey("written later"))
    assert (await operator.ask(ListKeys()))[0].state == "revoked"
    assert not admits(runtime, created)


async def test_a_revoked_key_can_be_revoked_again_but_never_switched_on_or_edited(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    await operator.ask(RevokeKey(key.id))
    await operator.ask(RevokeKey(key.id))
    for attempt in (SetKeyEnabled(key.id, True), SetKeyEnabled(key.id, False), EditKey(key.id, name="other")):
        with pytest.raises(GatewayError) as refused:
            await operator.ask(attempt)
        assert refused.value.code == "key_revoked"


async def test_switching_a_key_off_cuts_its_answers_and_switching_it_on_admits_it_again(
    operator: Operator, runtime: Runtime
) -> None:
    created = await operator.ask(CreateKey("mobile"))
    running = runtime.running[1] = RunningExchange(1, created.key.id)
    assert (await operator.ask(SetKeyEnabled(created.key.id, False))).state == "off"
    assert running.ended_by is not None
    assert running.ended_by.code == "key_disabled"
    assert not admits(runtime, created)
    assert (await operator.ask(SetKeyEnabled(created.key.id, True))).state == "on"
    assert admits(runtime, created)


async def test_a_key_that_does_not_exist_is_not_found(operator: Operator) -> None:
    with pytest.raises(NotFound, match="There is no key 99"):
        await operator.ask(RevokeKey(99))


async def test_a_number_that_no_table_can_hold_is_refused_like_any_other(operator: Operator) -> None:
    with pytest.raises(BadRequest, match="larger than any that can be stored"):
        await operator.ask(RevokeKey(2**70))


async def test_tags_are_kept_once_each_and_replaced_as_a_whole(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile", tags=["prod", " team:a ", "prod"]))).key
    assert key.tags == ["prod", "team:a"]
    assert (await operator.ask(EditKey(key.id, tags=["test"]))).tags == ["test"]
    assert (await operator.ask(EditKey(key.id, note="x"))).tags == ["test"]


async def test_a_key_is_made_with_the_limits_that_it_is_given(operator: Operator, runtime: Runtime) -> None:
    limits = Limits(budgets=(Budget("day", 5_000_000),), concurrent=2)
    created = await operator.ask(CreateKey("mobile", models=["gpt-*"], limits=limits))
    kept = runtime.snapshot.keys[created.key.public_id].limits
    assert kept == replace(limits, models=("gpt-*",))


# --- another secret


async def test_after_a_rotation_the_new_secret_is_admitted_at_once_and_the_old_one_for_a_while(
    operator: Operator, runtime: Runtime
) -> None:
    before = await operator.ask(CreateKey("mobile"))
    after = await operator.ask(RotateKey(before.key.id, 3600))
    assert after.key.public_id == before.key.public_id
    assert after.secret != before.secret
    assert after.key.old_valid_until is not None
    assert admits(runtime, before)
    assert admits(runtime, after)
    assert after.secret not in repr(await operator.ask(ListActs()))


async def test_a_rotation_without_overlap_ends_the_old_secret_at_once(operator: Operator, runtime: Runtime) -> None:
    before = await operator.ask(CreateKey("mobile"))
    after = await operator.ask(RotateKey(before.key.id, 0))
    assert (admits(runtime, before), admits(runtime, after)) == (False, True)
    assert after.key.old_valid_until is None


async def test_a_second_rotation_ends_the_oldest_secret(operator: Operator, runtime: Runtime) -> None:
    first = await operator.ask(CreateKey("mobile"))
    second = await operator.ask(RotateKey(first.key.id))
    third = await operator.ask(RotateKey(first.key.id))
    assert [admits(runtime, each) for each in (first, second, third)] == [False, True, True]


async def test_revoking_a_rotated_key_ends_both_secrets_for_good(operator: Operator, runtime: Runtime) -> None:
    before = await operator.ask(CreateKey("mobile"))
    after = await operator.ask(RotateKey(before.key.id))
    await operator.ask(RevokeKey(before.key.id))
    assert not admits(runtime, before)
    assert not admits(runtime, after)
    with pytest.raises(BadRequest, match="revoked for good"):
        await operator.ask(RotateKey(before.key.id))


async def test_an_overlap_that_cannot_be_is_refused(operator: Operator) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    for seconds in (-1, 367 * 86_400):
        with pytest.raises(BadRequest, match="overlap_seconds must be"):
            await operator.ask(RotateKey(key.id, seconds))


# --- the brake


async def test_a_brake_is_in_force_at_once_and_lifted_as_a_whole(operator: Operator, runtime: Runtime) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    brake = Brake(tokens_per_second=20, hold=True, approve_above_micros=500_000)
    assert (await operator.ask(SetBrake(key.id, brake))).brake == brake
    assert runtime.snapshot.keys[key.public_id].brake == brake
    assert (await operator.ask(SetBrake(key.id, RELEASED))).brake == RELEASED


@pytest.mark.parametrize(
    ("brake", "field"),
    [(Brake(tokens_per_second=0), "tokens_per_second"), (Brake(approve_above_micros=-1), "approve_above_micros")],
)
async def test_a_brake_that_cannot_be_is_refused(operator: Operator, brake: Brake, field: str) -> None:
    key = (await operator.ask(CreateKey("mobile"))).key
    with pytest.raises(BadRequest, match=f"^{field} must"):
        await operator.ask(SetBrake(key.id, brake))
