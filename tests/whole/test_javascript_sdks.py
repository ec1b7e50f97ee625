"""Any official JavaScript SDK in front of any provider: it makes of an answer what the provider gave.

The Python SDKs go through the same in `test_pairs`.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import javascript_sdks
import pytest
import pytest_asyncio
from harbour import FOUND, SAID, THOUGHT
from javascript_sdks import Scene, play
from sdk_clients import Wish
from strict_house import Strict, open_strict_house
from strict_upstreams import CUT_SHORT, DECLINED, MODELS, SEEN, TOTALS, strict_upstream

from gateway.canonical import PROTOCOLS, Protocol

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]
every_pair = pytest.mark.parametrize(
    ("spoken", "upstream"), [(client, upstream) for client in PROTOCOLS for upstream in PROTOCOLS]
)
LOOKED_UP = "Looking it up."
TOO_OFTEN, BROKEN = "too often", "then broken"


@pytest.fixture(scope="module")
def installed() -> Path:
    return javascript_sdks.install()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory, installed: Path) -> AsyncIterator[Strict]:
    async with open_strict_house(tmp_path_factory.mktemp("javascript") / "data") as opened:
        yield opened


def scenes() -> list[Scene]:
    """Everything that is asked of each pair, whole and streamed."""
    both = [scene for streamed in (False, True) for scene in said(streamed)]
    broken = Scene(BROKEN, "Begin, then break.", Wish(streamed=True))
    return [*both, broken, Scene("left", "Go on for ever.", leaves=True)]


def said(streamed: bool) -> list[Scene]:
    how = "streamed" if streamed else "whole"
    return [
        Scene(f"text {how}", "When is high water?", Wish(streamed)),
        Scene(f"tool {how}", "The tide in Bodø?", Wish(streamed, tools=True), ["1 m"]),
        Scene(f"tools {how}", "The tide in Tromsø and Bergen?", Wish(streamed, tools=True), ["1 m", "2 m"]),
        Scene(f"thinking {how}", "Think about the tide in Bodø.", Wish(streamed, thinks=True, tools=True), ["3 m"]),
        Scene(f"picture {how}", "What is this?", Wish(streamed, picture=True)),
        Scene(f"schema {how}", "The highest?", Wish(streamed, schema=True)),
        Scene(f"length {how}", "Tell it at length.", Wish(streamed, limit=1024)),
        Scene(f"refusal {how}", "Tell the unspeakable.", Wish(streamed)),
        Scene(f"{TOO_OFTEN} {how}", "Ask too often.", Wish(streamed)),
    ]


def expected(upstream: Protocol) -> dict[str, list[dict[str, Any]]]:
    """What comes of each scene that ends well, as the provider says it."""

    def turn(text: str, finish: str = "end", thought: str = "", *harbours: str) -> dict[str, Any]:
        calls = [["tide", {"harbour": harbour}] for harbour in harbours]
        return {"text": text, "thought": thought, "calls": calls, "finish": finish, "tokens": list(TOTALS[upstream])}

    return {
        "text": [turn(SAID)],
        "tool": [turn(LOOKED_UP, "tool", "", "Bodø"), turn("The table says: 1 m.")],
        "tools": [turn(LOOKED_UP, "tool", "", "Tromsø", "Bergen"), turn("The table says: 1 m, 2 m.")],
        "thinking": [turn("", "tool", THOUGHT, "Bodø"), turn("The table says: 3 m.")],
        "picture": [turn(SEEN)],
        "schema": [turn(json.dumps(FOUND))],
        "length": [turn(CUT_SHORT, "length")],
        "refusal": [turn("" if upstream == "gemini" else DECLINED, "filter")],
    }


@every_pair
async def test_a_sdk_makes_of_every_answer_what_the_provider_said(
    strict: Strict, installed: Path, spoken: Protocol, upstream: Protocol
) -> None:
    refused: list[str] = []
    strict.provider.script = strict_upstream(refused)
    strict.provider.gone.clear()
    house = strict.house
    told = await play(installed, spoken, house.url, house.secret, MODELS[upstream], scenes())
    for how in ("whole", "streamed"):
        for name, outcomes in expected(upstream).items():
            assert told[f"{name} {how}"] == {"outcomes": outcomes}, refused
        assert told[f"{TOO_OFTEN} {how}"]["status"] == 429
        assert "Slow down" in told[f"{TOO_OFTEN} {how}"]["message"]
    assert "Lost the thread" in told[BROKEN]["message"]
    assert told["left"] == {"outcomes": []}
    await strict.provider.gone.wait()
    assert (await house.settled()).state == "client_left"
