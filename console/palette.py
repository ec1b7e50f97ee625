"""The command palette: everything the help overlay lists, run by name."""

from collections.abc import Iterable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from console.commands import ANYWHERE, Command
from console.screens.frame import FrameScreen

LEFT_OUT = {"app.palette", "app.interrupt", "app.back"}


class CommandProvider(Provider):
    """The commands of the screen below and those that work anywhere."""

    def _commands(self) -> Iterable[Command]:
        here = self.screen.KEYS if isinstance(self.screen, FrameScreen) else ()
        return [command for command in (*here, *ANYWHERE) if command.id not in LEFT_OUT]

    def _title(self, command: Command) -> str:
        return f"{command.label}  ({command.key})"

    async def _run(self, command: Command) -> None:
        await self.app.run_action(command.action, self.screen)

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(self._title(command), partial(self._run, command), help=command.help)

    async def search(self, query: str) -> Hits:
        """Those whose name or explanation fits."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = max(matcher.match(command.label), matcher.match(command.help) * 0.8)
            if score > 0:
                yield Hit(score, self._title(command), partial(self._run, command), help=command.help)
