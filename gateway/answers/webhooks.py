"""Where alerts are sent to."""

from data.settings import get_setting, put_setting, remove_setting
from gateway.alert_operations import (
    AddWebhook,
    ListWebhooks,
    RemoveWebhook,
    TryWebhook,
    WebhookAdded,
    WebhookTried,
    WebhookView,
)
from gateway.alerts import Alert
from gateway.answers import values
from gateway.answers.desk import Desk
from gateway.operations import Done
from gateway.webhooks import (
    SETTING,
    Webhook,
    checked_url,
    host_of,
    listed,
    message_of,
    new_secret,
    post,
    read_webhooks,
    sealed,
)

MOST = 20


async def list_webhooks(desk: Desk, _: ListWebhooks) -> list[WebhookView]:
    """All of them, without what may be secret."""
    return [view(webhook) for webhook in await _webhooks(desk)]


async def add_webhook(desk: Desk, operation: AddWebhook) -> WebhookAdded:
    """Have alerts sent to another place."""
    url = checked_url(operation.url, operation.plain_http_ok)
    async with desk.change() as change:
        stored = listed(await get_setting(change.session, SETTING))
        if len(stored) >= MOST:
            raise values.refuse("url", f"would be one too many: there are {MOST} webhooks")
        number = 1 + max((int(str(each["id"])) for each in stored), default=0)
        webhook = Webhook(number, url, new_secret(), desk.runtime.now())
        await put_setting(change.session, SETTING, [*stored, sealed(webhook, desk.vault)])
        change.told("webhook_added", f"added webhook {number} to {host_of(url)}")
    return WebhookAdded(view(webhook), webhook.secret)


async def remove_webhook(desk: Desk, operation: RemoveWebhook) -> Done:
    """Send nothing there any more."""
    told = f"removed webhook {operation.id}"
    async with desk.change() as change:
        stored = listed(await get_setting(change.session, SETTING))
        kept = [each for each in stored if each["id"] != operation.id]
        if len(kept) == len(stored):
            raise values.missing("webhook", operation.id)
        if kept:
            await put_setting(change.session, SETTING, list(kept))
        else:
            await remove_setting(change.session, SETTING)
        change.told("webhook_removed", told)
    return Done(told)


async def try_webhook(desk: Desk, operation: TryWebhook) -> WebhookTried:
    """Send a message there now."""
    webhook = next((each for each in await _webhooks(desk) if each.id == operation.id), None)
    if webhook is None:
        raise values.missing("webhook", operation.id)
    test = Alert("", "test", "info", "gateway", "This is a test: alerts will arrive like this.")
    outcome = await post(desk.runtime, webhook, message_of(test, desk.runtime.now()))
    return WebhookTried(outcome.ok, f"{host_of(webhook.url)}: {outcome.text}")


async def _webhooks(desk: Desk) -> list[Webhook]:
    async with desk.database.read() as session:
        return read_webhooks(await get_setting(session, SETTING), desk.vault)


def view(webhook: Webhook) -> WebhookView:
    """A webhook as the operator sees it; paths of such addresses often are secrets."""
    host = host_of(webhook.url)
    scheme, _, rest = webhook.url.partition("://")
    shown = webhook.url if rest.rstrip("/") == host else f"{scheme}://{host}/…"
    return WebhookView(webhook.id, shown, webhook.created_at)
