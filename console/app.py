"""The Textual application: modes, keys, theme, and the one timer that looks at the news."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from textual import events
from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen

from console import clipboard
from console.commands import ANYWHERE, bindings
from console.driver import SafeDriver, ScrubFilter
from console.palette import CommandProvider
from console.screens.frame import FrameScreen
from console.screens.help import HelpScreen, Section
from console.screens.keys import KeysScreen
from console.screens.live import LiveScreen
from console.screens.logs import LogsScreen
from console.screens.routes import RoutesScreen
from console.screens.settings import SettingsScreen
from console.screens.undo import ask_about_last
from console.screens.upstreams import UpstreamsScreen
from console.screens.usage import UsageScreen
from console.session import Refused, Session
from console.state import Changes
from console.theme import DARK, LIGHT, next_theme, starting_theme
from console.widgets.confirm import Choice
from gateway.operations import GetStatus, ListEvents, ListExchanges, ListKeys

Leaving = Literal["leave", "detach", "stop", "stop_now", "hang_up"]
"""How the operator left: the process that opened the console does what follows from it."""

POLL_SECONDS = 0.1
TICK_SECONDS = 0.25
STATUS_SECONDS = 5.0
LOADED_AT_START = 1_000

SCREENS: dict[str, Callable[[Session], FrameScreen]] = {
    "live": LiveScreen,
    "keys": KeysScreen,
    "upstreams": UpstreamsScreen,
    "routes": RoutesScreen,
    "usage": UsageScreen,
    "logs": LogsScreen,
    "settings": SettingsScreen,
}
"""The main screens by mode, in the order of their number keys."""


class ConsoleApp(App[Leaving]):
    """The operator's console on one gateway. `run` returns how the operator left."""

    CSS_PATH = "console.tcss"
    DEFAULT_MODE = "live"
    BINDINGS = bindings(ANYWHERE)
    COMMANDS = {CommandProvider}  # noqa: RUF012 - Textual's own form
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (130, "-peek")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-high")]  # noqa: RUF012
    ENABLE_COMMAND_PALETTE = True
    NOTIFICATION_TIMEOUT = 0

    def __init__(self, session: Session, *, theme: str = "", ascii_only: bool = False, live: bool = True) -> None:
        super().__init__(driver_class=SafeDriver)
        self.session = session
        self._live = live
        """Whether timers run; tests and pictures call `poll` and `tick` themselves."""
        self._scrub = ScrubFilter(ascii_only)
        self._previous_mode = self.DEFAULT_MODE
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = starting_theme(theme, os.environ)
        session.copy = self._send_to_clipboard
        for mode, screen in SCREENS.items():
            self.add_mode(mode, partial(screen, session))

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing leaves for the terminal without passing the scrub filter."""
        return [*super().get_line_filters(), self._scrub]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The tones that themes not of ours lack."""
        return {"rule": "ansi_bright_black"}

    async def on_mount(self) -> None:
        """Load what is on record and start looking at the news."""
        await self.load()
        if self._live:
            self.set_interval(POLL_SECONDS, self.poll)
            self.set_interval(TICK_SECONDS, self.tick)
            self.set_interval(STATUS_SECONDS, self._reload_status)

    async def load(self) -> None:
        """Ask for everything the state starts from."""
        state = self.session.state
        try:
            state.take_status(await self.session.ask(GetStatus()))
            state.take_keys(await self.session.ask(ListKeys()))
            state.take_events(await self.session.ask(ListEvents()))
            changes = state.take_exchanges(await self.session.ask(ListExchanges(limit=LOADED_AT_START)))
        except Refused as refusal:
            state.trouble = str(refusal)
            changes = Changes()
        self._tell_screens(changes)
        self.tick()

    def poll(self) -> None:
        """Look at the news; ten times a second, and nearly free when there is none."""
        changes = self.session.state.fold(self.session.link.drain())
        if "keys" in changes.configuration:
            self.run_worker(self._reload_keys(), group="keys", exclusive=True)
        if changes:
            self._tell_screens(changes)

    def tick(self) -> None:
        """Let the clocks on screen move."""
        for screen in self._frames():
            screen.refresh_frame()
            screen.tick()

    def _frames(self) -> list[FrameScreen]:
        return [screen for screen in self.screen_stack if isinstance(screen, FrameScreen) and screen.in_place][-1:]

    def _tell_screens(self, changes: Changes) -> None:
        for screen in self._frames():
            screen.receive(changes)

    async def _reload_keys(self) -> None:
        try:
            self.session.state.take_keys(await self.session.ask(ListKeys()))
        except Refused:
            return  # the status line tells what is wrong

    async def _reload_status(self) -> None:
        try:
            self.session.state.take_status(await self.session.ask(GetStatus(), STATUS_SECONDS))
        except Refused as refusal:
            self.session.state.trouble = str(refusal)

    # --- the terminal

    def _send_to_clipboard(self, text: str) -> str:
        driver = self._driver
        return clipboard.send(text, driver.write, os.environ) if driver else ""

    def copy_to_clipboard(self, text: str) -> None:
        """Textual's own copying of selected text goes the same way."""
        self._send_to_clipboard(text)

    # --- actions

    async def on_event(self, event: events.Event) -> None:
        """A warning goes away with the next key, whatever that does."""
        if isinstance(event, events.Key) and isinstance(self.screen, FrameScreen):
            self.screen.key_pressed()
        await super().on_event(event)

    def action_go(self, mode: str) -> None:
        """Go to a main screen."""
        if mode != self.current_mode:
            self._previous_mode = self.current_mode
            self.switch_mode(mode)
        elif len(self.screen_stack) > 1:
            self._back_to_base()

    def _back_to_base(self) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_previous(self) -> None:
        """Go where one came from."""
        self.action_go(self._previous_mode)

    async def action_back(self) -> None:
        """Esc: one step back, never out."""
        if isinstance(self.screen, FrameScreen) and self.screen.step_back():
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()

    def action_leave(self) -> None:
        """Back, or on a main screen the question how to leave."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        elif isinstance(self.screen, FrameScreen):
            self._ask_how_to_leave(self.screen)

    def _ask_how_to_leave(self, screen: FrameScreen) -> None:
        running = len(self.session.state.running)
        left = f"let {running} running finish" if running else "nothing is running"
        if self.session.attached:
            choices = [Choice("leave", "d", "leave", "the gateway goes on serving; it belongs to another process")]
        else:
            status = self.session.state.status
            address = status.base_url.split("//")[-1] if status else "its port"
            choices = [
                Choice("detach", "d", "detach", f"the gateway keeps serving {address} without a console"),
                Choice("stop", "s", "stop", f"refuse new requests, {left}"),
                Choice("stop_now", "S", "stop now", f"cut {running} running" if running else left),
            ]
        screen.ask_operator("Leave the console?", (), choices, self._leave)

    def _leave(self, answer: str) -> None:
        for leaving in ("leave", "detach", "stop", "stop_now"):
            if answer == leaving:
                self.exit(leaving)

    def action_undo(self) -> None:
        """Take back the last change that can be."""
        screen = self.screen
        if isinstance(screen, FrameScreen):
            screen.do(ask_about_last(screen))

    def action_help(self) -> None:
        """The keys of this screen."""
        screen = self.screen
        if isinstance(screen, FrameScreen):
            sections: list[Section] = [
                (screen.TITLE_IN_HELP, screen.KEYS),
                ("Moving", screen.focus_commands()),
                ("Anywhere", ANYWHERE),
            ]
            self.push_screen(HelpScreen(sections))

    def action_theme(self) -> None:
        """The next theme."""
        self.theme = next_theme(self.theme)
        if isinstance(self.screen, FrameScreen):
            self.screen.tell(f"theme {self.theme}")

    def action_redraw(self) -> None:
        """Everything anew."""
        self.refresh(layout=True)

    def action_interrupt(self) -> None:
        """Ctrl+C copies what is selected; it never ends a process that carries traffic."""
        screen: Screen[object] = self.screen
        selected = screen.get_selected_text()
        if selected:
            self.copy_to_clipboard(selected)
        elif isinstance(screen, FrameScreen):
            screen.tell("Press q to leave.")
