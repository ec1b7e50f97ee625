"""What can be done to whoever holds limits, from every screen that shows one."""

from functools import partial
from uuid import uuid4

from console.captures import capture as capture_words
from console.captures import captures
from console.commands import Command
from console.first_steps import model_to_try
from console.screens.forms.holders import (
    brake_fields,
    braked,
    capture,
    capture_fields,
    rotation,
    rotation_fields,
    top_up,
    top_up_fields,
    top_up_preview,
)
from console.screens.forms.limits import limit_fields, new_limits
from console.screens.frame import FrameScreen
from console.screens.snippets import CreatedScreen
from console.units import money
from console.widgets.confirm import Choice
from data.limits import key_holder
from gateway.accounting import GetHolding, SetLimits, StopCapture, WipeCaptures
from gateway.operations import GetSnippets, KeyCreated, KeyView, ListUpstreams, Snippet

HOLDER_ACTS = (
    Command(
        "holder.limits",
        "l",
        "limits",
        "Set budgets, rates and what may be asked for.",
        "limits",
        shown=True,
    ),
    Command("holder.top_up", "plus", "top up", "Pay in, or take out.", "top_up", shown=True),
)
KEY_ACTS = (
    *HOLDER_ACTS,
    Command(
        "key.rotate", "r", "rotate", "Give it another secret; the old one works for a while.", "rotate", shown=True
    ),
    Command("key.brake", "b", "brake", "Slow, hold or freeze it, or have dear requests wait.", "brake", shown=True),
    Command("key.capture", "c", "capture", "Keep what its next requests say, stop that, or wipe it.", "capture"),
)


class HolderActs(FrameScreen):
    """Limits and payments of the holder that a screen is about."""

    def holder(self) -> str | None:
        """Whose; None when there is none, which has been told."""
        raise NotImplementedError

    def changed(self, told: str) -> None:
        """Something was done; show how things are now."""
        self.tell(told, "success")
        self.enter()

    def action_limits(self) -> None:
        """Fill in limits."""
        holder = self.holder()
        if holder:
            self.do(self._fill_in_limits(holder))

    async def _fill_in_limits(self, holder: str) -> None:
        holding = await self.ask(GetHolding(holder))
        if holding is not None:
            self.fill_in(
                f"Limits of {holding.name or holder}",
                limit_fields(holding.limits),
                lambda values: SetLimits(holder, new_limits(values)),
                lambda now: self.changed(f"set the limits of {now.name or holder}"),
            )

    def action_top_up(self) -> None:
        """Fill in a payment."""
        holder = self.holder()
        if holder:
            self.do(self._fill_in_top_up(holder))

    async def _fill_in_top_up(self, holder: str) -> None:
        holding = await self.ask(GetHolding(holder))
        if holding is not None:
            self.fill_in(
                f"Top up {holding.name or holder}",
                top_up_fields(),
                partial(top_up, holder, uuid4().hex),
                lambda now: self.changed(f"booked: {now.name or holder} has {money(now.balance_micros)} now"),
                preview=lambda values, width: top_up_preview(holding, values),
                save="book",
                busy="booking",
            )


class KeyActs(HolderActs):
    """What can be done to the key that a screen is about."""

    def key(self) -> KeyView | None:
        """Which; None when there is none that can be changed, which has been told."""
        raise NotImplementedError

    def holder(self) -> str | None:
        """The key."""
        key = self.key()
        return key_holder(key.id) if key else None

    # --- another secret

    async def snippets(self, secret: str, key: KeyView) -> list[Snippet]:
        """Snippets naming a model that the key may use."""
        upstreams = await self.ask(ListUpstreams()) or []
        plain = [model for model in key.models if "*" not in model and "?" not in model]
        model = model_to_try(plain or [model for upstream in upstreams for model in upstream.models])
        return await self.ask(GetSnippets(secret, model)) or []

    def show_secret(self, created: KeyCreated, what: str) -> None:
        """The one look at a secret; it waits for nothing, so that it cannot be lost."""
        screen = CreatedScreen(self.session, created, what)
        self.app.push_screen(screen)
        self.do(self._bring_snippets(screen, created), group="snippets")

    async def _bring_snippets(self, screen: CreatedScreen, created: KeyCreated) -> None:
        screen.take(await self.snippets(created.secret, created.key))

    def action_rotate(self) -> None:
        """Ask how long the old secret stays good."""
        key = self.key()
        if key is not None:
            self.fill_in(
                f"Another secret for {key.name}",
                rotation_fields(),
                partial(rotation, key),
                lambda created: self.show_secret(created, "has another secret"),
                save="rotate",
                busy="rotating",
            )

    # --- the brake

    def action_brake(self) -> None:
        """Fill in the brake."""
        key = self.key()
        if key is not None:
            self.fill_in(
                f"Brake of {key.name}",
                brake_fields(key.brake),
                partial(braked, key),
                lambda now: self.changed(f"set the brake of {now.name}"),
            )

    # --- keeping what its requests say

    def action_capture(self) -> None:
        """Ask what to do about it."""
        key = self.key()
        if key is None:
            return
        on = captures(key, self.session.now_micros())
        stop = Choice("stop", "s", "stop", "keep no more; what was kept stays until its time is over")
        start = Choice("start", "s", "start", "keep, sealed, what its next requests and their answers say")
        wipe = Choice("wipe", "w", "wipe", "delete what was kept, now")
        self.ask_operator(
            "What its requests say",
            [((f"  {capture_words(key, self.session.now_micros()) or 'Nothing is being kept.'}", "plain"),)],
            [stop if on else start, wipe],
            lambda answer: self._answer_capture(answer, key),
            no="leave it",
        )

    def _answer_capture(self, answer: str, key: KeyView) -> None:
        if answer == "start":
            self.fill_in(
                f"Keep what {key.name} says",
                capture_fields(),
                partial(capture, key),
                lambda now: self.changed("◉ capture is on: C on one of its requests shows what it said"),
                text=[("Prompts and answers are stored, sealed. Every look at them goes on record.", "warning")],
                save="start",
                busy="starting",
            )
        elif answer == "stop":
            self.do(self._stop_capture(key))
        else:
            wipe = WipeCaptures(key.id)
            question = f"Delete what was kept of {key.name}?"
            self.confirm(question, "delete", "keep it", lambda: self.do(self._wipe(wipe)), wipe)

    async def _stop_capture(self, key: KeyView) -> None:
        if await self.ask(StopCapture(key.id)):
            self.changed(f"capture of {key.name} is off")

    async def _wipe(self, wipe: WipeCaptures) -> None:
        done = await self.ask(wipe)
        if done:
            self.changed(done.text)
