"""How a key's money reads in the balance endpoints that clients poll, each in the shape of who had it first. Pure."""

from collections.abc import Callable

from msgspec import Struct

from data.limits import Per
from gateway.accounting import Holding, WindowView
from gateway.snapshot import KeyFacts

UNLIMITED = 100_000_000_000_000
"""What shapes say that cannot say that there is no limit: as much as other gateways say, which clients know."""
QUOTA_MICROS = 2
"""New API counts in units of which a dollar has 500,000."""
RESETS: dict[Per, str] = {"day": "daily", "week": "weekly", "month": "monthly"}


class Spent(Struct, frozen=True):
    """What a key has spent since the day, the week and the month began in UTC, in micro-units."""

    today: int
    week: int
    month: int


class Figures(Struct, frozen=True):
    """All that a balance endpoint may tell: of one key, and of nobody else."""

    key: KeyFacts
    holding: Holding
    spent: Spent

    @property
    def tightest(self) -> WindowView | None:
        """The budget that ends first; None where the balance does, or nothing."""
        if not self.holding.windows:
            return None
        window = min(self.holding.windows, key=left)
        prepaid = self.holding.limits.prepaid
        return None if prepaid and self.holding.balance_micros <= left(window) else window

    @property
    def remaining(self) -> int | None:
        """What may still be spent; None without a limit."""
        if window := self.tightest:
            return left(window)
        return max(0, self.holding.balance_micros) if self.holding.limits.prepaid else None

    @property
    def used(self) -> int:
        """What counts against the limit, reserved money included."""
        if window := self.tightest:
            return window.used_micros
        return self.holding.cost_micros + self.holding.reserved_micros

    @property
    def limit(self) -> int | None:
        """What was used and what remains."""
        return None if self.remaining is None else self.used + self.remaining

    @property
    def available(self) -> int:
        """What remains, as a number in any case."""
        return UNLIMITED if self.remaining is None else self.remaining


def left(window: WindowView) -> int:
    """What a budget still has."""
    return max(0, window.limit_micros - window.used_micros)


def dollars(micros: int) -> float:
    """Money as the shapes have it."""
    return micros / 1_000_000


def decimal(micros: int) -> str:
    """Money as a text, to the cent and never more than there is."""
    return f"{micros // 10_000 / 100:.2f}"


def seconds(at: int | None) -> int:
    """A moment in Unix time; 0 for never."""
    return (at or 0) // 1_000_000


def subscription(figures: Figures) -> object:
    """OpenAI's old billing: clients take what was used from this limit."""
    limit = dollars(figures.used + figures.available)
    return {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": limit,
        "hard_limit_usd": limit,
        "system_hard_limit_usd": limit,
        "access_until": seconds(figures.key.expires_at),
    }


def billed_usage(figures: Figures) -> object:
    """OpenAI's old billing, in cents: all that counts against the limit, whatever dates were asked for."""
    return {"object": "list", "total_usage": figures.used / 10_000}


def credit_grants(figures: Figures) -> object:
    """OpenAI's old billing in one answer."""
    return {
        "object": "credit_summary",
        "total_granted": dollars(figures.used + figures.available),
        "total_used": dollars(figures.used),
        "total_available": dollars(figures.available),
    }


def deepseek(figures: Figures) -> object:
    """DeepSeek's balance; no entry where there is no limit."""
    remaining = figures.remaining
    balance = {
        "currency": "USD",
        "total_balance": decimal(remaining or 0),
        "granted_balance": "0.00",
        "topped_up_balance": decimal(remaining or 0),
    }
    return {"is_available": remaining != 0, "balance_infos": [] if remaining is None else [balance]}


def moonshot(figures: Figures) -> object:
    """Kimi's balance."""
    available = dollars(figures.available)
    data = {"available_balance": available, "voucher_balance": 0, "cash_balance": available}
    return {"code": 0, "data": data, "scode": "0x0", "status": True}


def siliconflow(figures: Figures) -> object:
    """SiliconFlow's account."""
    balance = decimal(figures.available)
    data = {
        "id": figures.key.public_id,
        "name": figures.key.name,
        "status": "normal",
        "balance": balance,
        "chargeBalance": balance,
        "totalBalance": balance,
    }
    return {"code": 20000, "message": "OK", "status": True, "data": data}


def openrouter_credits(figures: Figures) -> object:
    """OpenRouter's credits: their difference is what is left."""
    total = dollars(figures.used + figures.available)
    return {"data": {"total_credits": total, "total_usage": dollars(figures.used)}}


def current_key(figures: Figures) -> object:
    """OpenRouter's facts about a key."""
    limit, remaining, spent = figures.limit, figures.remaining, figures.spent
    reset = RESETS.get(figures.tightest.per) if figures.tightest else None
    data = {
        "label": figures.key.name,
        "limit": None if limit is None else dollars(limit),
        "limit_remaining": None if remaining is None else dollars(remaining),
        "limit_reset": reset,
        "usage": dollars(figures.holding.cost_micros),
        "usage_daily": dollars(spent.today),
        "usage_weekly": dollars(spent.week),
        "usage_monthly": dollars(spent.month),
        "byok_usage": 0,
        "byok_usage_daily": 0,
        "byok_usage_weekly": 0,
        "byok_usage_monthly": 0,
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": False,
        "is_provisioning_key": False,
        "creator_user_id": None,
        "rate_limit": {"requests": figures.holding.limits.requests_per_minute or -1, "interval": "1m", "note": ""},
    }
    return {"data": data}


def token_usage(figures: Figures) -> object:
    """New API's facts about a token."""
    models = figures.key.limits.models
    data = {
        "object": "token_usage",
        "name": figures.key.name,
        "total_granted": (figures.used + figures.available) // QUOTA_MICROS,
        "total_used": figures.used // QUOTA_MICROS,
        "total_available": figures.available // QUOTA_MICROS,
        "unlimited_quota": figures.remaining is None,
        "model_limits": dict.fromkeys(models, True),
        "model_limits_enabled": bool(models),
        "expires_at": seconds(figures.key.expires_at),
    }
    return {"code": True, "message": "ok", "data": data}


SHAPES: dict[str, Callable[[Figures], object]] = {
    "dashboard/billing/subscription": subscription,
    "dashboard/billing/usage": billed_usage,
    "dashboard/billing/credit_grants": credit_grants,
    "user/balance": deepseek,
    "users/me/balance": moonshot,
    "user/info": siliconflow,
    "credits": openrouter_credits,
    "key": current_key,
    "auth/key": current_key,
    "api/usage/token": token_usage,
}
"""By the path below the base URL."""
