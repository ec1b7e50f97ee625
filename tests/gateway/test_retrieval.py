"""A response that is kept here is shown as OpenAI shows its own."""

import json
from typing import Any

import pytest

from gateway.errors import BadRequest
from gateway.retrieval import ANSWERS, Wish
from gateway.stored_responses import Kept

IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,UE5H"}
GIVEN: list[dict[str, Any]] = [
    {"role": "user", "content": "One"},
    {"role": "assistant", "content": "Two"},
    {"id": "msg_3", "type": "message", "role": "user", "content": [IMAGE]},
    {"type": "function_call_output", "call_id": "call_1", "output": "3 m"},
    {"id": "rs_5", "type": "reasoning", "summary": [], "encrypted_content": "b3BhcXVl"},
]
TEXT = {"type": "output_text", "text": "Six.", "annotations": [], "logprobs": [{"token": "Six"}]}
OUTPUT = [GIVEN[4], {"id": "msg_6", "type": "message", "role": "assistant", "content": [TEXT]}]
RESPONSE = {"id": "resp_1", "object": "response", "status": "completed", "output": OUTPUT, "temperature": 1.0}
KEPT = Kept(1, "resp_1", 1, None, json.dumps(GIVEN).encode(), json.dumps(RESPONSE).encode())


def ask(part: str = "", method: str = "GET", **query: str) -> Any:
    return json.loads(ANSWERS[method, part](KEPT, Wish(method, "resp_1", part, tuple(query.items()))))


def included(part: str, *values: str) -> Any:
    return json.loads(ANSWERS["GET", part](KEPT, Wish("GET", "resp_1", part, tuple(("include[]", v) for v in values))))


def test_a_response_is_shown_without_what_nobody_asked_to_see() -> None:
    shown = ask()
    assert shown["output"][0] == {"id": "rs_5", "type": "reasoning", "summary": []}
    assert shown["output"][1]["content"] == [{**TEXT, "logprobs": []}]
    assert {name: shown[name] for name in ("id", "status", "temperature")} == {
        "id": "resp_1",
        "status": "completed",
        "temperature": 1.0,
    }


def test_a_response_is_shown_whole_to_those_who_ask() -> None:
    assert included("", "reasoning.encrypted_content", "message.output_text.logprobs") == RESPONSE


def test_input_items_come_newest_first_each_with_an_id_that_stays() -> None:
    page = ask("input_items")
    assert [item["type"] for item in page["data"]] == [
        "reasoning",
        "function_call_output",
        "message",
        "message",
        "message",
    ]
    assert (page["object"], page["has_more"]) == ("list", False)
    assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
    assert ask("input_items") == page
    assert len({item["id"] for item in page["data"]}) == 5


def test_text_that_a_client_gave_as_a_string_is_listed_as_a_part() -> None:
    first, second, *_ = ask("input_items", order="asc")["data"]
    assert (first["id"][:4], first["content"]) == ("msg_", [{"type": "input_text", "text": "One"}])
    assert second["content"] == [{"type": "output_text", "text": "Two"}]


def test_pages_follow_each_other_without_a_gap() -> None:
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        page = ask("input_items", order="asc", limit="2", **after)
        seen += [item["id"] for item in page["data"]]
        after = {"after": page["last_id"]}
    assert page["has_more"] is False
    assert seen == [item["id"] for item in ask("input_items", order="asc")["data"]]


def test_images_and_thoughts_are_listed_for_those_who_ask() -> None:
    assert ask("input_items")["data"][2]["content"] == [{**IMAGE, "image_url": None}]
    assert "encrypted_content" not in ask("input_items")["data"][0]
    page = included("input_items", "message.input_image.image_url", "reasoning.encrypted_content")
    assert page["data"][2]["content"] == [IMAGE]
    assert page["data"][0] == GIVEN[4]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "msg_none"}, "after"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_its_member(query: dict[str, str], param: str) -> None:
    with pytest.raises(BadRequest) as raised:
        ask("input_items", **query)
    assert raised.value.param == param


def test_what_has_ended_is_neither_cancelled_nor_streamed_again() -> None:
    with pytest.raises(BadRequest, match="background"):
        ask("cancel", "POST")
    with pytest.raises(BadRequest, match="background"):
        ask(stream="true")


def test_deleting_is_confirmed_in_openais_words() -> None:
    assert ask(method="DELETE") == {"id": "resp_1", "object": "response", "deleted": True}
