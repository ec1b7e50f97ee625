"""Letting a request go that waits for the operator, because it may cost more than its key may spend unasked."""

from console.screens.frame import FrameScreen
from console.units import money
from data.records import RUNNING, ExchangeRecord
from gateway.accounting import ApproveExchange

ASKING = "approval"
"""In what a request's progress says while it waits for the operator."""


def approve(screen: FrameScreen, record: ExchangeRecord | None) -> None:
    """Ask with what it may cost, and let it go; cutting it refuses it."""
    if record is None or record.state != RUNNING or ASKING not in record.progress:
        screen.tell("This request waits for nobody's approval." if record else "No request is selected.")
        return
    change = ApproveExchange(record.id)

    async def ask_for_it() -> None:
        done = await screen.ask(change)
        if done is not None:
            screen.tell(done.text, "success")

    most = f" It may cost up to {money(record.reserved_micros)}." if record.reserved_micros else ""
    question = f"Let #{record.id} of {screen.session.state.key_name(record)} go?{most} x refuses it."
    screen.confirm(question, "approve", "let it wait", lambda: screen.do(ask_for_it()), change)
