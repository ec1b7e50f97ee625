"""Owners of keys: describing them, and forgetting those that nobody uses."""

import pytest

from gateway.accounting import ListOwners, RemoveOwner, SaveOwner
from gateway.errors import BadRequest, NotFound
from gateway.operations import CreateKey, RevokeKey
from gateway.operator import Operator
from gateway.runtime import Runtime


async def test_owners_are_those_that_were_described_and_those_that_keys_name(
    operator: Operator, runtime: Runtime
) -> None:
    await operator.ask(SaveOwner("team", "the whole team"))
    created = await operator.ask(CreateKey("mobile", owner="ann"))
    await runtime.limits.admit(runtime.snapshot.keys[created.key.public_id], 0)
    ann, team = await operator.ask(ListOwners())
    assert (ann.name, ann.keys, ann.holding.running) == ("ann", 1, 1)
    assert (team.name, team.note, team.keys, team.holding.holder) == ("team", "the whole team", 0, "owner:team")


async def test_describing_an_owner_again_replaces_the_note(operator: Operator) -> None:
    await operator.ask(SaveOwner("team", "first"))
    assert (await operator.ask(SaveOwner("team", "second"))).note == "second"
    with pytest.raises(BadRequest, match="name must be"):
        await operator.ask(SaveOwner(" "))


async def test_an_owner_is_forgotten_once_no_usable_key_names_it(operator: Operator) -> None:
    await operator.ask(SaveOwner("team"))
    key = (await operator.ask(CreateKey("mobile", owner="team"))).key
    with pytest.raises(BadRequest, match="team still has mobile"):
        await operator.ask(RemoveOwner("team"))
    await operator.ask(RevokeKey(key.id))
    await operator.ask(RemoveOwner("team"))
    assert await operator.ask(ListOwners()) == []
    with pytest.raises(NotFound, match="There is no owner team"):
        await operator.ask(RemoveOwner("team"))
