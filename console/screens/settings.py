"""What the gateway runs with, as it is in force; and the way to what can be set."""

from collections.abc import Sequence

from textual.app import ComposeResult

from console.commands import Command, bindings
from console.ink import Line, Span
from console.screens.forms.setting import changed_settings, setting_fields
from console.screens.key_lines import fact
from console.screens.loading import LoadingScreen
from console.screens.prices import PricesScreen
from console.session import Session
from console.theme import CHOICES
from console.units import MICROS, age, day_time, money
from console.widgets.form import Form, Values
from console.widgets.page import Page
from console.widgets.radius import Radius
from gateway.operations import GetStatus, Status
from gateway.setting_operations import GetSettings, SettingView


class SettingsScreen(LoadingScreen):
    """Facts to read, copy and hand on."""

    MODE = "settings"
    TITLE_IN_HELP = "Settings"
    KEYS = (
        Command("settings.edit", "e", "change", "Change what can be set.", "edit", shown=True),
        Command("settings.prices", "P", "prices", "Show and set what models cost.", "prices", shown=True),
        Command("settings.copy", "y", "copy", "Copy these facts, for a report.", "copy_facts", shown=True),
        Command("settings.url", "u", "copy URL", "Copy the base URL for clients.", "copy_url", shown=True),
    )
    BINDINGS = bindings(KEYS)
    WATCHED = frozenset({"settings"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._settings: list[SettingView] = []

    def body(self) -> ComposeResult:
        """One page."""
        yield Page(self._write, id="settings")

    def _facts(self, status: Status) -> dict[str, str]:
        now = self.session.now_micros()
        return {
            "version": status.version,
            "base URL": status.base_url or "not serving",
            "data directory": status.data_directory,
            "process": f"{status.pid}" + (", another than this console" if self.session.attached else ""),
            "running since": f"{day_time(status.started_at)}, {age((now - status.started_at) / MICROS)}",
            "keys": f"{status.keys}",
            "upstreams": f"{status.upstreams}",
            "routes": f"{status.routes}",
            "requests": f"{status.exchanges:,} on record, {status.running} running",
            "spent today": money(self.session.state.today_micros),
        }

    def _write(self, width: int) -> Sequence[Line]:
        status = self.session.state.status
        if status is None:
            return [(), (("  The gateway has not said anything yet.", "muted"),)]
        indent: Line = (("  ", "plain"),)
        lines: list[Line] = [(), ((" Gateway", "heading"),)]
        for label, text in self._facts(status).items():
            lines += [(*indent, *line) for line in fact(label, text, width - 4, 16)]
        lines += [(), ((" Console", "heading"),)]
        lines.append((*indent, ("theme          ", "muted"), *self._themes()))
        lines += [
            (*indent, *line) for line in fact("window", f"{self.app.size.width}x{self.app.size.height}", width - 4, 16)
        ]
        lines += [(), ((" Set for all", "heading"),)]
        for setting in self._settings:
            lines += [(*indent, *line) for line in fact(setting.title.lower(), _told(setting), width - 4, 16)]
        return [*lines, (), *_ways()]

    def _themes(self) -> Line:
        spans: list[Span] = []
        for name in CHOICES:
            spans += [(" ", "plain"), (name, "chosen" if name == self.app.theme else "muted"), (" ", "plain")]
        return (*spans, ("  ", "plain"), ("T", "key"))

    async def load(self) -> None:
        """As it is now."""
        status = await self.ask(GetStatus())
        if status is not None:
            self.session.state.take_status(status)
        settings = await self.ask(GetSettings())
        self._settings = settings or self._settings
        self._paint()

    def tick(self) -> None:
        """The uptime goes on; the theme may be another."""
        super().tick()
        self._paint()

    def _paint(self) -> None:
        self.query_one("#settings", Page).paint()

    def action_edit(self) -> None:
        """Fill in what is to hold."""
        if self._settings:
            # Every setting touches the same: the gateway as a whole.
            radius = Radius(self.session, lambda values: next(iter(changed_settings(self._settings, values)), None))
            form = Form("Settings", setting_fields(self._settings), self._save, radius=radius)
            self.app.push_screen(form, lambda saved: self._saved(saved) if saved is not None else None)

    async def _save(self, values: Values) -> list[SettingView]:
        return [await self.session.ask(operation) for operation in changed_settings(self._settings, values)]

    def _saved(self, saved: Sequence[SettingView]) -> None:
        told = ", ".join(f"{setting.title.lower()}: {setting.value}" for setting in saved)
        self.tell(told or "nothing was changed", "success")
        self.enter()

    def action_prices(self) -> None:
        """What models cost."""
        self.app.push_screen(PricesScreen(self.session))

    def action_copy_facts(self) -> None:
        """All facts as text."""
        status = self.session.state.status
        if status is not None:
            self.copy("\n".join(f"{label}: {text}" for label, text in self._facts(status).items()), "facts")

    def action_copy_url(self) -> None:
        """What clients are given."""
        status = self.session.state.status
        if status is not None and status.base_url:
            self.copy(status.base_url, "base URL")


def _told(setting: SettingView) -> str:
    usual = "" if setting.value == setting.usual else f" (usually {setting.usual})"
    return f"{setting.value}{usual}"


def _ways() -> list[Line]:
    return [
        ((" Set where it is started", "heading"),),
        (("  --host, --port, --data: see ", "plain"), ("console --help", "strong")),
    ]
