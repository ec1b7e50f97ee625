"""The first-run guide: shown by Live while no request was ever recorded, until it is closed."""

from console.commands import Command, bindings
from console.first_steps import DEMO, KEY_NAME, FirstSteps, model_to_try, step_lines
from console.screens.frame import FrameScreen
from console.widgets.page import Page
from gateway.operations import (
    AddUpstream,
    Candidate,
    CreateKey,
    FindCandidates,
    GetSnippets,
    KeyCreated,
    ListUpstreams,
    TryRequest,
)

TEST_SECONDS = 60.0


class FirstRunGuide(Page, can_focus=True):
    """Each step by its own key, or all of them by Enter."""

    KEYS = (
        Command("first.all", "enter", "do all", "Do what is left of the three steps.", "everything", shown=True),
        Command("first.use", "u", "use", "Use the marked provider.", "use", shown=True),
        Command("first.down", "down,j", "mark next", "Mark the next provider.", "mark(1)"),
        Command("first.up", "up", "mark previous", "Mark the provider above.", "mark(-1)"),
        Command("first.demo", "d", "demo", "Use the built-in demo: no account, no network.", "demo", shown=True),
        Command("first.add", "n", "add", "Add another provider on the Upstreams screen.", "app.go('upstreams')"),
        Command("first.key", "k", "key", "Create a client key.", "key", shown=True),
        Command("first.try", "t", "send", "Send a small request through the gateway's own port.", "try", shown=True),
        Command(
            "first.language",
            "tab",
            "language",
            "Show the snippet for the next language or tool.",
            "turn(1)",
            shown=True,
        ),
        Command("first.language_back", "shift+tab", "language back", "Show the snippet before.", "turn(-1)"),
        Command("first.copy_key", "c", "copy key", "Copy the key's secret.", "copy_key", shown=True),
        Command("first.copy", "y", "copy snippet", "Copy the snippet.", "copy_snippet", shown=True),
        Command("first.hide", "h", "hide key", "Hide the key for good.", "hide"),
        Command(
            "first.close",
            "escape",
            "close",
            "Close the guide; it is in the palette as First steps.",
            "close",
            shown=True,
        ),
    )
    BINDINGS = bindings(KEYS)

    def __init__(self, frame: FrameScreen) -> None:
        super().__init__(lambda width: step_lines(self.steps, width), id="guide")
        self.steps = FirstSteps()
        self._frame = frame

    def look_around(self) -> None:
        """Find out what is on this machine and what was set up before."""
        self._frame.do(self._look_around(), group="first-look")

    async def _look_around(self) -> None:
        upstreams = await self._frame.ask(ListUpstreams())
        if upstreams:
            self.steps.upstream, self.steps.models = upstreams[0].name, upstreams[0].models
        candidates = await self._frame.ask(FindCandidates())
        self.steps.take_candidates(candidates or [])
        self.paint()
        await self._load_snippets()

    async def _load_snippets(self) -> None:
        secret = self.steps.key.secret if self.steps.key else ""
        snippets = await self._frame.ask(GetSnippets(secret, model_to_try(self.steps.models)))
        self.steps.snippets = snippets or []
        self.paint()

    # --- the steps

    async def _everything(self) -> None:
        if not self.steps.upstream:
            await self._use(self.steps.choice)
        if self.steps.upstream and self.steps.key is None:
            await self._create_key()
        if self.steps.key and self.steps.upstream:
            await self._try()

    async def _use(self, candidate: Candidate | None) -> None:
        if candidate is None:
            return
        self._say(f"adding {candidate.title} and testing it")
        operation = AddUpstream(candidate.provider_id, credential_env=candidate.env, base_url=candidate.base_url)
        added = await self._frame.ask(operation, TEST_SECONDS)
        self._say("")
        if added:
            self.steps.take_upstream(added)
            await self._load_snippets()

    async def _create_key(self) -> None:
        self._say("creating a key")
        created = await self._frame.ask(CreateKey(KEY_NAME))
        self._say("")
        if created:
            self.steps.key = created
            await self._load_snippets()

    async def _try(self) -> None:
        if self.steps.key is None or not self.steps.key.secret:
            self._frame.tell("Create a key first: k.", "warning")
            return
        self._say("sending a request through the gateway's own port")
        operation = TryRequest(self.steps.key.secret, model_to_try(self.steps.models))
        self.steps.tried = await self._frame.ask(operation, TEST_SECONDS)
        self._say("")

    def _say(self, text: str) -> None:
        self.steps.busy = text
        self.paint()

    # --- keys

    def action_everything(self) -> None:
        """All that is left."""
        self._frame.do(self._everything(), group="first")

    def action_use(self) -> None:
        """The marked provider."""
        self._frame.do(self._use(self.steps.choice), group="first")

    def action_demo(self) -> None:
        """The built-in one."""
        demo = [candidate for candidate in self.steps.candidates if candidate.provider_id == DEMO]
        self._frame.do(self._use(demo[0] if demo else Candidate(DEMO, "Demo", "")), group="first")

    def action_key(self) -> None:
        """A key."""
        self._frame.do(self._create_key(), group="first")

    def action_try(self) -> None:
        """A request."""
        self._frame.do(self._try(), group="first")

    def action_mark(self, by: int) -> None:
        """Move the mark, or scroll once there is nothing to choose."""
        if self.steps.upstream:
            self.action_scroll_by(by)
        else:
            self.steps.mark(by)
            self.paint()

    def action_turn(self, by: int) -> None:
        """Another language."""
        self.steps.turn(by)
        self.paint()

    def action_copy_key(self) -> None:
        """The secret."""
        if self.steps.key and self.steps.key.secret:
            self._frame.copy(self.steps.key.secret, "key")

    def action_copy_snippet(self) -> None:
        """The snippet."""
        if self.steps.snippet:
            self._frame.copy(self.steps.snippet.text, f"{self.steps.snippet.title} snippet")

    def action_hide(self) -> None:
        """The secret is gone from the screen, for good."""
        if self.steps.key:
            self.steps.key = KeyCreated(self.steps.key.key, "")
            self._frame.do(self._load_snippets(), group="first-look")

    def action_close(self) -> None:
        """Give the list its place."""
        self.action_hide()
        self.display = False
        self._frame.refresh(layout=True)
        self._frame.focus_next()

    def watch_has_focus(self, focus: bool) -> None:
        """The key line shows its keys."""
        super().watch_has_focus(focus)
        self._frame.refresh_frame()
