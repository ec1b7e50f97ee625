"""Tells other programs what operators are told: signed as Standard Webhooks are, a few times at the most, and never in
a request's way. What a message holds is the alert's own words.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Sequence

import httpx
import msgspec
from msgspec import Struct

from data.database import Database
from data.errors import DataError
from data.secrets import Vault
from data.settings import Value, get_setting
from gateway.addresses import is_loopback
from gateway.alerts import Alert, Level, moment
from gateway.errors import BadRequest
from gateway.events import Noted
from gateway.runtime import Runtime

log = logging.getLogger("gatehouse.webhooks")

SETTING = "webhooks"
"""Where they are stored: a list of them, sealed, as addresses may hold secrets as well."""
PREFIX = "whsec_"
PAUSES: Sequence[float] = (5, 30, 120, 600)
"""Seconds before each further try."""
PATIENCE = 10.0
"""Seconds for one try."""
MOST_WAITING = 200
"""Messages on their way at a time; more are told to the log alone."""
LONGEST_URL = 2000
AGAIN = frozenset((408, 425, 429))
"""Refusals after which trying again may help, as after all from 500."""


class Webhook(Struct, frozen=True):
    """One place that alerts are sent to."""

    id: int
    url: str
    secret: str
    created_at: int

    def __repr__(self) -> str:
        return f"Webhook({self.id!r})"


class Message(Struct, frozen=True):
    """What is sent, the same at every try."""

    id: str
    body: bytes


class Outcome(Struct, frozen=True):
    """What came of one try."""

    ok: bool
    text: str
    final: bool = True
    """Trying again would not help."""


class Webhooks:
    """Sends alerts in the background. Belongs to the gateway's loop."""

    def __init__(self, runtime: Runtime, database: Database, pauses: Sequence[float] = PAUSES) -> None:
        self._runtime = runtime
        self._database = database
        self._pauses = pauses
        self._sending: set[asyncio.Task[None]] = set()

    async def tell(self, alerts: Sequence[Alert]) -> None:
        """Begin to send alerts everywhere."""
        async with self._database.read() as session:
            stored = await get_setting(session, SETTING)
        webhooks = read_webhooks(stored, self._runtime.vault)
        for alert in alerts:
            message = message_of(alert, self._runtime.now())
            for webhook in webhooks:
                self._begin(webhook, message, alert.code)

    def _begin(self, webhook: Webhook, message: Message, code: str) -> None:
        if len(self._sending) >= MOST_WAITING:
            log.warning("too many messages wait: webhook %s is not told of %s", webhook.id, code)
            return
        task = asyncio.create_task(self._deliver(webhook, message, code))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _deliver(self, webhook: Webhook, message: Message, code: str) -> None:
        outcome = await post(self._runtime, webhook, message)
        for pause in self._pauses:
            if outcome.ok or outcome.final:
                break
            await asyncio.sleep(pause)
            outcome = await post(self._runtime, webhook, message)
        level: Level = "info" if outcome.ok else "warning"
        told = f"webhook {webhook.id} ({host_of(webhook.url)}) for {code}: {outcome.text}"
        noted = "webhook_delivered" if outcome.ok else "webhook_failed"
        log.info("%s", told)
        self._runtime.bus.publish(Noted(self._runtime.now(), level, noted, told))

    async def close(self) -> None:
        """Give up what is on its way."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


def message_of(alert: Alert, now: int) -> Message:
    """An alert as it is sent."""
    said = {
        "type": alert.code,
        "timestamp": f"{moment(now):%Y-%m-%dT%H:%M:%SZ}",
        "data": {"level": alert.level, "about": alert.about, "text": alert.text},
    }
    return Message(f"msg_{secrets.token_hex(12)}", msgspec.json.encode(said))


async def post(runtime: Runtime, webhook: Webhook, message: Message) -> Outcome:
    """Send a message once. Nothing is followed, and what is answered is not looked at."""
    at = runtime.now() // 1_000_000
    headers = {
        "content-type": "application/json",
        "user-agent": "gatehouse",
        "webhook-id": message.id,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(webhook.secret, message.id, at, message.body),
    }
    try:
        request = httpx.Request("POST", webhook.url, headers=headers, content=message.body)
        async with asyncio.timeout(PATIENCE):
            response = await runtime.transport(webhook.url).handle_async_request(request)
            await response.aclose()
    except (httpx.HTTPError, OSError, UnicodeError) as error:
        return Outcome(False, f"not reached ({type(error).__name__})", final=False)
    status = response.status_code
    if 200 <= status < 300:
        return Outcome(True, f"delivered ({status})")
    return Outcome(False, f"refused ({status})", final=status < 500 and status not in AGAIN)


def signature(secret: str, message_id: str, at: int, body: bytes) -> str:
    """What proves that a message is ours, and when it was sent."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = hmac.digest(key, b"%s.%d.%s" % (message_id.encode(), at, body), hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def new_secret() -> str:
    """A secret for signatures."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def checked_url(text: str, plain_http_ok: bool) -> str:
    """An address that messages may be sent to. Raises `BadRequest`, which does not quote it."""
    try:
        url = httpx.URL(text.strip() if len(text) <= LONGEST_URL else "")
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL()
    if url.scheme not in ("https", "http") or not url.host or url.userinfo or url.fragment:
        raise BadRequest(
            "url must be an http:// or https:// address without a name, password or fragment.", param="url"
        )
    if url.scheme == "http" and not plain_http_ok and not is_loopback(url.host):
        told = "url must begin with https://, unless it is on this machine or plain HTTP is allowed for it."
        raise BadRequest(told, param="url")
    return str(url)


def host_of(url: str) -> str:
    """All of an address that may be told to anybody."""
    return httpx.URL(url).netloc.decode()


def sealed(webhook: Webhook, vault: Vault) -> Value:
    """A webhook as it is stored."""
    content = vault.seal_bytes(msgspec.json.encode(webhook), *place(webhook.id))
    return {"id": webhook.id, "sealed": base64.b64encode(content).decode()}


def read_webhooks(stored: Value, vault: Vault) -> list[Webhook]:
    """Those that are stored; one that cannot be read is left out and logged."""
    return [webhook for each in listed(stored) if (webhook := _unsealed(each, vault))]


def listed(stored: Value) -> list[dict[str, Value]]:
    """The stored list as it is."""
    return [each for each in stored if isinstance(each, dict)] if isinstance(stored, list) else []


def _unsealed(each: dict[str, Value], vault: Vault) -> Webhook | None:
    number = int(str(each["id"]))
    try:
        content = vault.unseal_bytes(base64.b64decode(str(each["sealed"])), *place(number))
    except DataError:
        log.exception("webhook %s cannot be read; it is sent nothing", number)
        return None
    return msgspec.json.decode(content, type=Webhook)


def place(number: int) -> tuple[str, str, int]:
    """Where a webhook lies: it is sealed for this place only."""
    return ("settings", SETTING, number)
