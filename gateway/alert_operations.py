"""What an operator can ask and do about webhooks; more of `gateway.operations`."""

from msgspec import Struct

from gateway.operations import Done, Operation


class WebhookView(Struct, frozen=True):
    """Where alerts are sent to."""

    id: int
    url: str
    """Without what may be secret in it."""
    created_at: int


class ListWebhooks(Operation[list[WebhookView]], frozen=True): ...


class WebhookAdded(Struct, frozen=True):
    """The only time the secret is told."""

    webhook: WebhookView
    secret: str
    """What its signatures are made with, as Standard Webhooks have it."""


class AddWebhook(Operation[WebhookAdded], frozen=True):
    url: str
    plain_http_ok: bool = False
    """Send to other machines without TLS, too."""


class RemoveWebhook(Operation[Done], frozen=True):
    id: int


class WebhookTried(Struct, frozen=True):
    """What came of a message sent to it."""

    ok: bool
    text: str


class TryWebhook(Operation[WebhookTried], frozen=True):
    """Sends it a message now, once."""

    id: int
