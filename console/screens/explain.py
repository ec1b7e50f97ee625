"""Where a request for a model would go, and why: the answer follows what is typed."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from console.ink import Line, Span, fit, wrap
from console.scrub import scrub
from console.session import Refused, Session
from console.widgets.form import ChoiceLine
from console.widgets.page import Page
from gateway.canonical import PROTOCOLS, Protocol
from gateway.operations import ExplainRoute, PlannedTarget, RouteExplained


def explained_lines(explained: RouteExplained, width: int) -> list[Line]:
    """The reason, the targets in the order they would be tried, then those left out."""
    lines: list[Line] = [((f" {line}", "strong"),) for line in wrap(scrub(explained.reason), width - 2)]
    lines.append(())
    taken = [target for target in explained.targets if target.taken]
    for place, target in enumerate(taken, 1):
        lines += _target_lines(target, (f" {place:>2}  ", "good"), width)
    for target in explained.targets:
        if not target.taken:
            lines += _target_lines(target, ("  ✗  ", "bad"), width)
    if not explained.targets:
        lines.append(((" No target.", "muted"),))
    return lines


def _target_lines(target: PlannedTarget, sign: Span, width: int) -> list[Line]:
    named = f"{target.upstream}:{target.model}" if target.model else target.upstream
    name_width = min(34, max(16, width // 2))
    texts = wrap(scrub(target.reason), max(10, width - name_width - 7))
    first: Line = (sign, (fit(named, name_width), "plain" if target.taken else "muted"), (f" {texts[0]}", "muted"))
    return [first, *(((" " * (name_width + 6) + text, "muted"),) for text in texts[1:])]


class ExplainScreen(ModalScreen[None]):
    """Nothing is sent anywhere: the gateway only says what it would do."""

    BINDINGS = [Binding("escape", "close", "close", show=False)]  # noqa: RUF012 - Textual's own form

    def __init__(self, session: Session, model: str) -> None:
        super().__init__()
        self._session = session
        self._model = model
        self._answer: RouteExplained | None = None
        self._error = ""

    def compose(self) -> ComposeResult:
        """Model and protocol above, the answer below."""
        with Vertical(classes="form explain") as box:
            box.border_title = Content("Where would it go?")
            with Horizontal(classes="form-row"):
                yield Label("Model", classes="form-label")
                yield Input(self._model, placeholder="gpt-5.1", compact=True, select_on_focus=False)
            with Horizontal(classes="form-row"):
                yield Label("Asked in", classes="form-label")
                yield ChoiceLine(PROTOCOLS, PROTOCOLS[0])
            yield Page(lambda width: [(("─" * width, "rule"),)], focusable=False, classes="form-text")
            yield Page(self._write, id="explained")
            yield Page(self._write_end, focusable=False, classes="form-text")

    def _write(self, width: int) -> Sequence[Line]:
        if self._error:
            return [((f" {line}", "bad"),) for line in wrap(scrub(self._error), width - 2)]
        if self._answer is None:
            return [((" Type a model's name.", "muted"),)]
        return explained_lines(self._answer, width)

    def _write_end(self, width: int) -> Sequence[Line]:
        keys: Line = (
            (" Tab", "key"),
            (" to the protocol   ", "muted"),
            ("Left Right", "key"),
            (" change it   ", "muted"),
        )
        return [(*keys, ("Esc", "key"), (" close", "muted"))]

    def on_mount(self) -> None:
        """Typing goes to the model."""
        self.query_one(Input).focus()
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Another model."""
        self._look()

    def on_choice_line_changed(self, event: ChoiceLine.Changed) -> None:
        """Another protocol."""
        self._look()

    def _look(self) -> None:
        self.run_worker(self._ask(*self._asked), exit_on_error=False)

    @property
    def _asked(self) -> tuple[str, Protocol]:
        chosen = self.query_one(ChoiceLine).value
        return self.query_one(Input).value.strip(), next(each for each in PROTOCOLS if each == chosen)

    async def _ask(self, model: str, protocol: Protocol) -> None:
        answer, error = None, ""
        if model:
            try:
                answer = await self._session.ask(ExplainRoute(model, protocol))
            except Refused as refusal:
                error = str(refusal)
        if self._asked == (model, protocol):  # what was typed on in the meantime has its own answer coming
            self._answer, self._error = answer, error
            self.query_one("#explained", Page).paint()

    def action_close(self) -> None:
        """Back to the routes."""
        self.dismiss(None)
