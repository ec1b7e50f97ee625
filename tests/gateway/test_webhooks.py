"""Alerts arrive at other programs: signed, tried again within bounds, and holding no secret."""

import asyncio
import base64
import hashlib
import hmac
import json

import pytest
from scripted_provider import Received, Reply, ScriptedProvider, answer

from data.database import Database
from data.secrets import Vault
from data.settings import get_setting
from gateway.alert_operations import AddWebhook, ListWebhooks, RemoveWebhook, TryWebhook, WebhookAdded
from gateway.alerts import Alert
from gateway.errors import BadRequest, NotFound
from gateway.operator import Operator
from gateway.runtime import Runtime
from gateway.webhooks import Webhook, Webhooks, checked_url, read_webhooks, sealed

ALERT = Alert("key:3 month 0 of 9 80", "budget_80", "warning", "key:3", "Key ana has spent $8.00.")


@pytest.fixture
async def added(operator: Operator, provider: ScriptedProvider) -> WebhookAdded:
    """A webhook at a server that says yes."""
    provider.script = lambda _: answer({})
    return await operator.ask(AddWebhook(f"{provider.url}/hook/T0K3N"))


async def told(runtime: Runtime, database: Database, *pauses: float) -> str:
    """Tell the alert, and give what the event list says came of it."""
    webhooks = Webhooks(runtime, database, pauses)
    await webhooks.tell([ALERT])
    async with asyncio.timeout(10):
        while not any(note.code.startswith("webhook_") and "for" in note.text for note in runtime.bus.notes):  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    await webhooks.close()
    return runtime.bus.notes[-1].text


def genuine(secret: str, got: Received) -> bool:
    """What the receiver works out, as Standard Webhooks say."""
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    expected = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    return got.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"


async def test_an_alert_arrives_with_a_signature_that_can_be_checked(
    runtime: Runtime, database: Database, provider: ScriptedProvider, added: WebhookAdded
) -> None:
    assert "delivered (200)" in await told(runtime, database)
    got = provider.last
    assert genuine(added.secret, got)
    assert not genuine("whsec_AAAA", got)
    said = json.loads(got.body)
    assert (got.path, said["type"]) == ("/hook/T0K3N", "budget_80")
    assert said["data"] == {"level": "warning", "about": "key:3", "text": "Key ana has spent $8.00."}


@pytest.mark.usefixtures("added")
async def test_a_server_that_fails_is_tried_again_with_the_same_message(
    runtime: Runtime, database: Database, provider: ScriptedProvider
) -> None:
    replies = iter((answer({}, 500), answer({}, 429), answer({}, 503), answer({})))
    provider.script = lambda _: next(replies)
    assert "delivered" in await told(runtime, database, 0.01, 0.01, 0.01)
    assert len(provider.received) == 4
    assert len({got.headers["webhook-id"] for got in provider.received}) == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (404, 1), (302, 1)])
@pytest.mark.usefixtures("added")
async def test_it_is_given_up_after_a_few_tries_or_at_a_refusal(
    runtime: Runtime, database: Database, provider: ScriptedProvider, status: int, tries: int
) -> None:
    provider.script = lambda _: answer({}, status, location="/elsewhere")
    assert f"refused ({status})" in await told(runtime, database, 0.01, 0.01)
    assert [got.path for got in provider.received] == ["/hook/T0K3N"] * tries


async def test_a_server_that_is_not_there_is_told_of_by_its_host_alone(
    runtime: Runtime, database: Database, operator: Operator
) -> None:
    await operator.ask(AddWebhook("http://127.0.0.1:1/T0K3N"))
    text = await told(runtime, database, 0.01)
    assert "webhook 1 (127.0.0.1:1) for budget_80: not reached" in text
    assert "T0K3N" not in text


@pytest.mark.usefixtures("added")
async def test_a_server_that_does_not_answer_holds_nothing_up(
    runtime: Runtime, database: Database, provider: ScriptedProvider
) -> None:
    provider.script = lambda _: Reply([asyncio.Event()])
    webhooks = Webhooks(runtime, database)
    async with asyncio.timeout(5):
        await webhooks.tell([ALERT])
        await webhooks.close()


async def test_what_may_be_secret_is_told_once_and_lies_sealed(
    operator: Operator, database: Database, runtime: Runtime, provider: ScriptedProvider, added: WebhookAdded
) -> None:
    (listed,) = await operator.ask(ListWebhooks())
    assert (listed, listed.url) == (added.webhook, f"{provider.url}/…")
    async with database.read() as session:
        stored = str(await get_setting(session, "webhooks"))
    assert "T0K3N" not in stored
    assert added.secret not in stored
    assert "T0K3N" not in str([note.text for note in runtime.bus.notes])


async def test_a_webhook_can_be_tried_and_removed(
    operator: Operator, provider: ScriptedProvider, added: WebhookAdded
) -> None:
    assert (await operator.ask(TryWebhook(1))).ok
    assert genuine(added.secret, provider.last)
    provider.script = lambda _: answer({}, 503)
    assert not (await operator.ask(TryWebhook(1))).ok
    await operator.ask(RemoveWebhook(1))
    assert await operator.ask(ListWebhooks()) == []
    for operation in (TryWebhook(1), RemoveWebhook(1)):
        with pytest.raises(NotFound):
            await operator.ask(operation)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a/b",
        "https://",
        "https://me:pw@host/",
        "http://host/x",
        "http://10.0.0.1/x",
        "h" * 3000,
        "https://a/#b",
    ],
)
def test_addresses_that_cannot_be_used_are_refused_without_quoting_them(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_url(url, plain_http_ok=False)
    assert refused.value.param == "url"
    assert "pw" not in refused.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x", "https://host/x?a=b"])
def test_this_machine_may_be_told_without_tls(url: str) -> None:
    assert checked_url(url, plain_http_ok=False) == url


def test_other_machines_are_told_without_tls_where_that_is_said() -> None:
    assert checked_url("http://10.0.0.1/x", plain_http_ok=True) == "http://10.0.0.1/x"


def test_one_that_another_master_key_sealed_is_left_out() -> None:
    webhook = Webhook(1, "https://host/x", "whsec_AAAA", 0)
    mine, other = Vault(bytes(32)), Vault(bytes([1]) * 32)
    assert read_webhooks([sealed(webhook, mine), sealed(webhook, other)], mine) == [webhook]
    assert "host" not in repr(webhook)
