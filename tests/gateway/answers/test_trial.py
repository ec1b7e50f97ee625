"""Trying a gateway out through its own port: a real one, with the demo or a scripted provider behind it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.answers.trial import read_answer, refusal
from gateway.operations import AddUpstream, CreateKey, GetExchange, TryRequest
from gateway.service import GatewayService, ServiceOptions

QUICKLY = "Be brief. [demo words 5] [demo speed 500]"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[GatewayService]:
    """A gateway that serves."""
    started = GatewayService(ServiceOptions(directory=tmp_path / "data", port=0))
    await started.start()
    yield started
    await started.drain(1)
    await started.stop()


async def test_a_request_tried_is_answered_and_on_record_under_its_number(service: GatewayService) -> None:
    await service.ask(AddUpstream("demo"))
    created = await service.ask(CreateKey("mobile"))
    tried = await service.ask(TryRequest(created.secret, "demo-1", QUICKLY))
    assert tried.ok
    assert len(tried.text.split()) == 5
    assert tried.exchange_id is not None
    detail = await service.ask(GetExchange(tried.exchange_id))
    assert (detail.record.state, detail.record.model_asked, detail.key_name) == ("done", "demo-1", "mobile")


async def test_a_refusal_is_told_in_the_gateways_words(service: GatewayService) -> None:
    tried = await service.ask(TryRequest("sk-gh-wrong", "demo-1"))
    assert not tried.ok
    assert "The API key is missing or not valid" in tried.text
    assert tried.exchange_id is None


async def test_a_model_that_nothing_serves_is_told(service: GatewayService) -> None:
    created = await service.ask(CreateKey("mobile"))
    tried = await service.ask(TryRequest(created.secret, "unheard-of"))
    assert (tried.ok, "does not exist here" in tried.text) == (False, True)


async def test_an_answer_that_breaks_off_is_not_taken_for_a_good_one(service: GatewayService) -> None:
    await service.ask(AddUpstream("demo"))
    created = await service.ask(CreateKey("mobile"))
    tried = await service.ask(TryRequest(created.secret, "demo-1", "[demo speed 500] [demo fail mid-stream]"))
    assert not tried.ok


def test_a_stream_without_its_end_is_no_answer() -> None:
    frame = b'data: {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}\n\n'
    assert read_answer("openai_chat", frame) == (False, "Hel")
    assert read_answer("openai_chat", frame + b"data: [DONE]\n\n") == (True, "Hel")


def test_a_refusal_that_is_not_understood_is_still_a_refusal() -> None:
    assert refusal(b'{"error": {"message": "No."}}') == "No."
    assert refusal(b"<html>") == "The gateway refused the request."
