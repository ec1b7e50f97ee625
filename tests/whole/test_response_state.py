"""Responses that clients go on from, with OpenAI's own SDK: kept where they were made, found by their own key alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from harbour import MODEL, SAID, TIDE
from house import House, open_house
from openai_upstream import OPENAI
from remembering_upstream import RememberingUpstream
from scripted_provider import ScriptedProvider, answer

from gateway.operations import CreateKey, SaveRoute, TargetView
from gateway.service import GatewayService, ServiceOptions

SECRET_PROMPT = "The harbour master's password is swordfish."
Accounts = dict[str, RememberingUpstream]


@pytest.fixture
async def accounts(house: House) -> AsyncIterator[Accounts]:
    """Two accounts that share one model by the draw."""
    async with contextlib.AsyncExitStack() as stack:
        scripts = {name: RememberingUpstream(name) for name in ("north", "south")}
        for name, script in scripts.items():
            provider = ScriptedProvider()
            provider.script = script
            await stack.enter_async_context(provider.serve())
            await house.add("openai", provider.url, name=name, models=(MODEL,))
        targets = [TargetView(name) for name in scripts]
        await house.service.ask(SaveRoute(name="shared", pattern=MODEL, targets=targets))
        yield scripts


@pytest.fixture
async def client(house: House, accounts: Accounts) -> AsyncIterator[openai.AsyncOpenAI]:
    async with new_client(house) as sdk:
        yield sdk


def new_client(house: House, key: str = "") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=key or house.secret, max_retries=0)


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with another key."""
    key = await house.service.ask(CreateKey(name="stranger"))
    headers = {"authorization": f"Bearer {key.secret}"}
    async with httpx.AsyncClient(base_url=f"{house.url}/v1", headers=headers) as other:
        yield other


def told(response: httpx.Response) -> tuple[int, Any]:
    """What an error says, without the id of its request."""
    return response.status_code, response.json()["error"]


async def test_every_next_turn_goes_to_the_account_that_made_the_one_before(
    client: openai.AsyncOpenAI, accounts: Accounts
) -> None:
    for _ in range(8):
        first = await client.responses.create(model=MODEL, input="hi")
        second = await client.responses.create(model=MODEL, input="and then?", previous_response_id=first.id)
        assert first.id.rstrip("0123456789") == second.id.rstrip("0123456789")
    assert all(script.made for script in accounts.values())


async def test_a_streamed_response_is_gone_on_from_as_well(client: openai.AsyncOpenAI) -> None:
    for _ in range(4):
        async with client.responses.stream(model=MODEL, input="hi") as stream:
            first = await stream.get_final_response()
        second = await client.responses.create(model=MODEL, input="more", previous_response_id=first.id, store=False)
        assert second.output_text == SAID


async def test_a_stored_response_is_read_listed_cancelled_and_deleted_where_it_was_made(
    client: openai.AsyncOpenAI,
) -> None:
    made = await client.responses.create(model=MODEL, input="hi", background=True)
    assert (await client.responses.retrieve(made.id)).output_text == SAID
    assert [item.id async for item in client.responses.input_items.list(made.id)] == ["msg_in"]
    assert (await client.responses.cancel(made.id)).status == "cancelled"
    await client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)


async def test_what_the_client_wants_to_see_besides_reaches_the_account_whole(
    client: openai.AsyncOpenAI, accounts: Accounts
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    include: Any = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    await client.responses.retrieve(made.id, include=include)
    seen = [request for script in accounts.values() for request in script.received if request.method == "GET"]
    assert [httpx.URL(request.path).params.get_list("include[]") for request in seen] == [include]


@pytest.mark.parametrize(
    ("method", "part"), [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/input_items")]
)
async def test_another_key_is_told_the_same_of_a_response_as_of_one_that_never_was(
    client: openai.AsyncOpenAI, stranger: httpx.AsyncClient, accounts: Accounts, method: str, part: str
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    foreign, unknown = [
        await stranger.request(method, f"/responses/{name}{part}") for name in (made.id, "resp_neverwas")
    ]
    assert told(foreign) == told(unknown)
    assert foreign.status_code == 404
    assert all(request.method == "POST" for script in accounts.values() for request in script.received)
    assert (await client.responses.retrieve(made.id)).id == made.id


async def test_another_key_cannot_go_on_from_a_response(
    client: openai.AsyncOpenAI, stranger: httpx.AsyncClient, accounts: Accounts
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    body = {"model": MODEL, "input": "go on", "previous_response_id": made.id}
    status, error = told(await stranger.post("/responses", json=body))
    assert (status, error["code"], error["param"]) == (400, "previous_response_not_found", "previous_response_id")
    status, error = told(await stranger.post("/responses/input_tokens", json=body))
    assert (status, error["code"]) == (400, "previous_response_not_found")
    assert sum(script.made for script in accounts.values()) == 1


async def test_another_key_cannot_name_a_single_item_of_a_response(
    client: openai.AsyncOpenAI, stranger: httpx.AsyncClient
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    item = made.output[-1].id
    for reference in ({"type": "item_reference", "id": item}, {"id": item}):
        body = {"model": MODEL, "input": [reference, {"role": "user", "content": "again"}]}
        status, error = told(await stranger.post("/responses", json=body))
        assert (status, error["param"]) == (400, "input")


async def test_an_item_is_looked_up_at_the_account_that_made_it(client: openai.AsyncOpenAI) -> None:
    for _ in range(4):
        made = await client.responses.create(model=MODEL, input="hi")
        given: Any = [{"type": "item_reference", "id": made.output[-1].id}, {"role": "user", "content": "again"}]
        more = await client.responses.create(model=MODEL, input=given)
        assert made.id[:8] == more.id[:8]


async def test_a_conversation_stays_with_its_first_key_and_its_first_account(
    client: openai.AsyncOpenAI, stranger: httpx.AsyncClient
) -> None:
    made = [await client.responses.create(model=MODEL, input="hi", conversation="conv_1") for _ in range(6)]
    assert len({response.id[:8] for response in made}) == 1
    body = {"model": MODEL, "input": "hi", "conversation": {"id": "conv_1"}}
    assert (await stranger.post("/responses", json=body)).status_code == 404


async def test_a_response_that_was_not_to_be_stored_is_found_by_nobody(
    client: openai.AsyncOpenAI, accounts: Accounts
) -> None:
    made = await client.responses.create(model=MODEL, input="hi", store=False)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as raised:
        await client.responses.create(model=MODEL, input="go on", previous_response_id=made.id)
    assert raised.value.code == "previous_response_not_found"


async def test_a_response_survives_a_restart_of_the_gateway(tmp_path: Path, provider: ScriptedProvider) -> None:
    provider.script = RememberingUpstream("east")
    async with open_house(tmp_path / "home") as house:
        await house.add("openai", provider.url)
        async with new_client(house) as sdk:
            made = await sdk.responses.create(model=MODEL, input="hi")
        key = house.secret
    service = GatewayService(ServiceOptions(directory=tmp_path / "home", port=0))
    await service.start()
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key=key, max_retries=0) as sdk:
        assert (await sdk.responses.retrieve(made.id)).output_text == SAID
    await service.drain(0)
    await service.stop()


async def test_reading_a_response_again_is_on_record_and_costs_nothing(
    client: openai.AsyncOpenAI, house: House
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    await client.responses.retrieve(made.id)
    record = await house.settled()
    assert (record.operation, record.state, record.input_tokens, record.cost_micros) == ("response", "done", 0, 0)


async def test_an_upstream_that_says_it_stores_nothing_is_served_from_here(
    house: House, provider: ScriptedProvider
) -> None:
    whole = {"object": "response", "created_at": 1, "status": "completed", "model": MODEL, "store": False}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Six."}]}
    provider.script = lambda _: answer({**whole, "id": f"resp_{len(provider.received)}", "output": [item]})
    await house.add("openai", provider.url)
    async with new_client(house) as sdk:
        made = await sdk.responses.create(model="up:m", input=SECRET_PROMPT)
        assert (await sdk.responses.retrieve(made.id)).output_text == "Six."
        await sdk.responses.create(model="up:m", input="And low water?", previous_response_id=made.id)
    sent = provider.last.json
    assert "previous_response_id" not in sent
    assert [i.get("content") for i in sent["input"]] == [SECRET_PROMPT, item["content"], "And low water?"]


async def test_prompts_cannot_be_read_in_the_files_of_the_database(house: House, provider: ScriptedProvider) -> None:
    whole = {"object": "response", "created_at": 1, "status": "completed", "model": MODEL, "store": False}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": SAID}]}
    provider.script = lambda _: answer({**whole, "id": "resp_1", "output": [item]})
    await house.add("openai", provider.url)
    async with new_client(house) as sdk:
        await sdk.responses.create(model="up:m", input=SECRET_PROMPT)
    for _ in range(200):
        found = b"".join(path.read_bytes() for path in house.service.directory.path.glob("*.db*"))
        if b"resp_1" in found:
            break
        await asyncio.sleep(0.02)
    assert b"resp_1" in found
    assert b"swordfish" not in found
    assert SAID.encode() not in found


# --- in front of another protocol -----------------------------------------------------------------------------------


@pytest.fixture
async def chat(house: House, provider: ScriptedProvider) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of Responses whose upstream speaks Chat alone."""
    provider.script = OPENAI
    await house.add("openai-compatible", provider.url)
    async with new_client(house) as sdk:
        yield sdk


async def streamed(sdk: openai.AsyncOpenAI, **asked: Any) -> Any:
    async with sdk.responses.stream(model="up:m", **asked) as stream:
        return await stream.get_final_response()


async def whole(sdk: openai.AsyncOpenAI, **asked: Any) -> Any:
    return await sdk.responses.create(model="up:m", **asked)


@pytest.mark.parametrize("ask", [whole, streamed])
async def test_a_chat_upstream_is_told_the_whole_conversation_again(
    chat: openai.AsyncOpenAI, provider: ScriptedProvider, ask: Any
) -> None:
    first = await ask(chat, input="hi", instructions="Be brief.")
    second = await ask(chat, input="and then?", previous_response_id=first.id)
    third = await ask(chat, input="and at last?", previous_response_id=second.id)
    said = [(message["role"], message["content"]) for message in provider.last.json["messages"]]
    assert said == [
        ("user", "hi"),
        ("assistant", SAID),
        ("user", "and then?"),
        ("assistant", SAID),
        ("user", "and at last?"),
    ]
    assert (second.previous_response_id, third.previous_response_id) == (first.id, second.id)
    assert len({first.id, second.id, third.id}) == 3


@pytest.mark.parametrize("ask", [whole, streamed])
async def test_tool_calls_of_a_chat_model_are_answered_by_their_ids_alone(chat: openai.AsyncOpenAI, ask: Any) -> None:
    tools: Any = [{"type": "function", "name": "tide", "parameters": TIDE, "strict": False}]
    first = await ask(chat, input="The tide in Tromsø and Bergen?", tools=tools)
    results: Any = [
        {"type": "function_call_output", "call_id": item.call_id, "output": "3 m"}
        for item in first.output
        if item.type == "function_call"
    ]
    second = await ask(chat, input=results, previous_response_id=first.id, tools=tools)
    assert second.output_text == "The table says: 3 m, 3 m."


async def test_a_chat_models_response_is_read_listed_and_deleted_here(chat: openai.AsyncOpenAI) -> None:
    made = await whole(chat, input="hi")
    assert made.store is True
    read = await chat.responses.retrieve(made.id)
    assert (read.id, read.output_text, read.usage) == (made.id, SAID, made.usage)
    listed: list[Any] = [item async for item in chat.responses.input_items.list(made.id)]
    assert [item.content[0].text for item in listed] == ["hi"]
    await chat.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await chat.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError):
        await whole(chat, input="go on", previous_response_id=made.id)


async def test_a_chat_models_response_is_kept_from_other_keys(
    chat: openai.AsyncOpenAI, stranger: httpx.AsyncClient
) -> None:
    made = await whole(chat, input=SECRET_PROMPT)
    for name in (made.id, "resp_neverwas"):
        assert told(await stranger.get(f"/responses/{name}")) == told(await stranger.get("/responses/resp_neverwas"))
    body = {"model": "up:m", "input": "What did I say?", "previous_response_id": made.id}
    assert (await stranger.post("/responses", json=body)).status_code == 400


async def test_nothing_is_kept_of_a_chat_model_when_the_client_wants_nothing_stored(chat: openai.AsyncOpenAI) -> None:
    made = await whole(chat, input="hi", store=False)
    assert made.store is False
    with pytest.raises(openai.NotFoundError):
        await chat.responses.retrieve(made.id)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
async def test_what_a_chat_upstream_has_no_state_for_is_refused_by_its_name(
    chat: openai.AsyncOpenAI, asked: Any, param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await whole(chat, input="hi", **asked)
    assert (raised.value.code, raised.value.param) == ("unsupported_parameter", param)


async def test_a_response_that_one_account_keeps_is_not_carried_to_another_model(
    client: openai.AsyncOpenAI, chat: openai.AsyncOpenAI
) -> None:
    made = await client.responses.create(model=MODEL, input="hi")
    with pytest.raises(openai.BadRequestError) as raised:
        await whole(chat, input="go on", previous_response_id=made.id)
    assert (raised.value.code, raised.value.param) == ("unsupported_parameter", "previous_response_id")


THINKING: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [
        {"type": "thinking", "thinking": "Tides.", "signature": "c2lnbmVk"},
        {"type": "tool_use", "id": "toolu_1", "name": "tide", "input": {"harbour": "Bergen"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 3},
}


@pytest.fixture
async def claude(house: House) -> AsyncIterator[ScriptedProvider]:
    """An upstream that thinks before it calls."""
    async with ScriptedProvider().serve() as provider:
        provider.replies(answer(THINKING))
        await house.add("anthropic", provider.url, name="claude")
        yield provider


async def test_a_signed_thought_is_there_again_with_the_result_of_its_call(
    claude: ScriptedProvider, client: openai.AsyncOpenAI
) -> None:
    asked: Any = {"model": "claude:claude-sonnet-4-5", "reasoning": {"effort": "low"}}
    asked["tools"] = [{"type": "function", "name": "tide", "parameters": TIDE, "strict": False}]
    made = await client.responses.create(input="The tide in Bergen?", **asked)
    result: Any = [{"type": "function_call_output", "call_id": "toolu_1", "output": "3 m"}]
    await client.responses.create(input=result, previous_response_id=made.id, **asked)
    turns = claude.last.json["messages"]
    assert [block["type"] for block in turns[1]["content"]] == ["thinking", "tool_use"]
    assert turns[1]["content"][0]["signature"] == "c2lnbmVk"
    assert turns[2]["content"][0]["type"] == "tool_result"


async def test_another_familys_thoughts_stay_behind_when_a_conversation_changes_its_model(
    claude: ScriptedProvider, client: openai.AsyncOpenAI, accounts: Accounts
) -> None:
    made = await client.responses.create(model="claude:claude-sonnet-4-5", input="The tide in Bergen?")
    result: Any = [{"type": "function_call_output", "call_id": "toolu_1", "output": "3 m"}]
    moved = await client.responses.create(model=MODEL, input=result, previous_response_id=made.id)
    assert moved.output_text == "The table says: 3 m."
    assert moved.previous_response_id == made.id
    (sent,) = [request.json for script in accounts.values() for request in script.received]
    assert [item.get("type") for item in sent["input"]] == ["message", "function_call", "function_call_output"]
    assert (await client.responses.create(model=MODEL, input="Thanks", previous_response_id=moved.id)).output_text
