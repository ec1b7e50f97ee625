"""Ids and names that every target takes."""

import re

import pytest

from gateway.canonical import CustomTool, FunctionTool
from gateway.protocols.ids import (
    CALL_IDS,
    TOOL_NAMES,
    AnswerIds,
    CallIds,
    ToolNames,
    call_id,
    item_id,
    mint,
    split_name,
)

STRICTEST = r"[A-Za-z0-9]{9}"


@pytest.mark.parametrize("pattern", [*CALL_IDS.values(), STRICTEST])
def test_a_minted_id_is_valid_at_every_target(pattern: str) -> None:
    assert re.fullmatch(pattern, mint("answer", "chatcmpl-1", 0))


def test_the_same_seed_mints_the_same_id_and_another_does_not() -> None:
    assert mint("a", 1) == mint("a", 1)
    assert len({mint("a", 1), mint("a", 2), mint("b", 1), mint("a1")}) == 4


def test_a_valid_call_id_stays_and_another_is_replaced_by_the_same_each_time() -> None:
    assert call_id("call_a1", CALL_IDS["openai_chat"]) == "call_a1"
    long = "call_" + "x" * 60
    assert call_id(long, CALL_IDS["openai_chat"]) == call_id(long, STRICTEST)
    assert re.fullmatch(STRICTEST, call_id("functions.get:0", STRICTEST))


def test_an_id_that_two_turns_share_is_written_once_and_its_results_follow() -> None:
    ids = CallIds(CALL_IDS["anthropic_messages"])
    first, first_result = ids.of_call("c"), ids.of_result("c")
    second, second_result = ids.of_call("c"), ids.of_result("c")
    assert (first, first_result) == ("c", "c")
    assert second == second_result != "c"


def test_an_empty_id_of_a_request_is_replaced_and_its_result_finds_it() -> None:
    ids = CallIds(CALL_IDS["openai_chat"])
    written = ids.of_call("")
    assert re.fullmatch(STRICTEST, written)
    assert ids.of_result("") == written


@pytest.mark.parametrize("unfit", ["", "weather", "c1"])
def test_unfit_ids_of_an_answer_are_minted_anew(unfit: str) -> None:
    ids = AnswerIds("chatcmpl-1")
    assert ids.of_call("c1", "weather") == "c1"
    assert re.fullmatch(STRICTEST, ids.of_call(unfit, "weather"))


def test_calls_of_the_same_place_in_two_answers_get_different_ids() -> None:
    assert AnswerIds("one").of_call("", "weather") != AnswerIds("two").of_call("", "weather")


def test_item_ids_have_their_prefix_and_stay_the_same() -> None:
    assert item_id("msg_", "resp_1", 0) == item_id("msg_", "resp_1", 0)
    assert re.fullmatch(r"fc_[A-Za-z0-9]{24}", item_id("fc_", "resp_1", 1))


@pytest.mark.parametrize("pattern", TOOL_NAMES.values())
@pytest.mark.parametrize("name", ["get weather!", "wetter-für-köln", "x" * 200, "", "1st"])
def test_names_are_changed_only_where_they_must_be_and_back(pattern: str, name: str) -> None:
    names = ToolNames(pattern, ["weather", name])
    written = names.of(name)
    assert re.fullmatch(pattern, written)
    assert names.of("weather") == "weather"
    assert names.changed == ({} if written == name else {written: name})


def test_two_names_that_differ_only_in_odd_letters_stay_apart() -> None:
    names = ToolNames(TOOL_NAMES["openai_chat"], ["a.b", "a/b"])
    assert names.of("a.b") != names.of("a/b")


def test_a_flattened_name_is_split_by_the_requests_own_tools_alone() -> None:
    tools = (FunctionTool("search", namespace="docs"), CustomTool("patch"), FunctionTool("my__own"))
    assert split_name("docs__search", tools) == ("docs", "search")
    assert split_name("my__own", tools) == ("", "my__own")
    assert split_name("patch", tools) == ("", "patch")
