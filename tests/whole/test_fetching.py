"""An image given by address reaches a model that takes only bytes, where the operator has it fetched."""

from pathlib import Path
from typing import Any

import openai
import pytest
from described import describe_provider
from google_upstream import GOOGLE
from harbour import MODEL, PICTURE
from house import House
from scripted_provider import Received, Reply, ScriptedProvider

from gateway.fetching import FETCH
from gateway.setting_operations import SaveSetting
from gateway.transport import UpstreamTransport


@pytest.fixture
async def gemini(house: House, provider: ScriptedProvider, tmp_path: Path) -> ScriptedProvider:
    """A provider that speaks Gemini alone, and has a picture on its site."""

    def script(request: Received) -> Reply:
        return Reply([PICTURE], content_type="image/png") if request.path == "/tide.png" else GOOGLE(request)

    provider.script = script
    describe_provider(tmp_path / "data", "gemini")
    await house.add("gemini", f"{provider.url}/v1beta", models=(MODEL,))
    provider.received.clear()
    return provider


async def look(house: House, url: str) -> Any:
    """Have OpenAI's SDK show a model what lies there."""
    content: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    async with openai.AsyncOpenAI(base_url=f"{house.url}/v1", api_key=house.secret, max_retries=0) as client:
        answer = await client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    return answer.choices[0].message.content


async def test_an_address_is_passed_on_unless_the_operator_has_it_fetched(
    house: House, gemini: ScriptedProvider
) -> None:
    await look(house, f"{gemini.url}/tide.png")
    assert [request.path for request in gemini.received] == [f"/v1beta/models/{MODEL}:generateContent"]
    assert gemini.last.json["contents"][0]["parts"][1]["fileData"]["fileUri"] == f"{gemini.url}/tide.png"


async def test_what_lies_on_a_machine_near_us_is_never_fetched(house: House, gemini: ScriptedProvider) -> None:
    for name in ("fetch_media", "fetch_over_http"):
        await house.service.ask(SaveSetting(name, "on"))
    with pytest.raises(openai.BadRequestError, match="could not be fetched") as refused:
        await look(house, f"{gemini.url}/tide.png")
    assert (refused.value.code, refused.value.param) == ("media_not_fetched", "image")
    assert gemini.received == []


async def test_what_was_fetched_reaches_the_model_as_bytes(house: House, gemini: ScriptedProvider) -> None:
    assert house.service._runtime is not None
    public, house.service._runtime.transports[FETCH] = house.service._runtime.transports[FETCH], UpstreamTransport()
    for name in ("fetch_media", "fetch_over_http"):
        await house.service.ask(SaveSetting(name, "on"))
    assert await look(house, f"{gemini.url}/tide.png") == f"I see image/png of {len(PICTURE)} bytes."
    await house.service._runtime.transports[FETCH].aclose()
    house.service._runtime.transports[FETCH] = public
