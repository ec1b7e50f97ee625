"""A key that is for some networks alone is good for nothing elsewhere."""

import pytest
from house import House

from data.limits import Limits
from gateway.accounting import SetLimits

PATHS = {
    "POST": ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/models/m:generateContent", "/v1/videos"),
    "GET": ("/v1/models", "/v1/models/m", "/v1/usage", "/user/balance", "/v1/responses/resp_1", "/v1/videos"),
    "DELETE": ("/v1/responses/resp_1",),
}


@pytest.mark.parametrize("holder", ["key:1", "everyone"])
async def test_no_path_answers_a_key_at_an_address_that_is_not_among_its_own(house: House, holder: str) -> None:
    await house.service.ask(SetLimits(holder, Limits(networks=("10.0.0.0/8", "2001:db8::/32"))))
    for method, paths in PATHS.items():
        for path in paths:
            answer = await house.client.request(method, path, json={"model": "m"} if method == "POST" else None)
            assert (answer.status_code, "from this address" in answer.text) == (403, True), path


async def test_a_key_that_may_only_generate_sees_models_and_its_usage(house: House) -> None:
    await house.service.ask(SetLimits("key:1", Limits(endpoints=("generate",), networks=("127.0.0.0/8",))))
    for path, status in (("/v1/models", 200), ("/v1/usage", 200), ("/v1/responses/resp_1", 404), ("/v1/videos", 403)):
        assert (await house.client.get(path)).status_code == status, path
