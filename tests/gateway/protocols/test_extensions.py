"""Members that only one protocol has: told, refused or passed over where the target speaks another."""

import pytest

from gateway.canonical import JSON, Protocol, Request
from gateway.errors import BadRequest
from gateway.protocols.extensions import REFUSED, lose_foreign


def lost(protocol: Protocol, members: JSON, own: Protocol | None = "openai_chat") -> list[str]:
    request = Request(model="m", turns=(), extensions={protocol: members})
    return [loss.field for loss in lose_foreign(request, own)]


def test_members_of_another_protocol_are_told_and_the_targets_own_are_not() -> None:
    assert lost("anthropic_messages", {"speed": "fast", "_note": 1, "diagnostics": {}}) == ["speed"]
    assert lost("openai_chat", {"prediction": {}}) == []


def test_an_imitation_takes_no_members_of_its_own_protocol_either() -> None:
    assert lost("anthropic_messages", {"speed": "fast"}, own=None) == ["speed"]


def test_what_the_client_did_not_say_or_turned_off_is_nothing_to_lose() -> None:
    assert lost("openai_responses", {"background": False, "prompt": None}) == []


@pytest.mark.parametrize(("protocol", "name"), [(protocol, name) for protocol in REFUSED for name in REFUSED[protocol]])
def test_state_that_lies_at_a_provider_is_refused_by_its_name(protocol: Protocol, name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        lost(protocol, {name: "x"})
    assert (refused.value.param, refused.value.code) == (name, REFUSED[protocol][name])
