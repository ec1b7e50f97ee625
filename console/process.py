"""The life of the process: its gateway, the console in front of it while there is a terminal, and its signals.

The gateway outlives the console: a crash of the screen or a closed terminal leaves it serving. No Textual here.
"""

import logging
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Literal, Protocol

from console.logs import describe, keep_log, watch_for_faults
from console.runtime import calm_runtime
from gateway.link import Link
from gateway.place import DataDirectory

if TYPE_CHECKING:  # an attached console needs no gateway of its own, a headless process no Textual
    from console.app import Leaving
    from gateway.thread import GatewayThread

Order = Literal["stop", "stop_now", "hang_up", "ended"]

LOOK_SECONDS = 0.2

log = logging.getLogger("gatehouse.process")


class Console(Protocol):
    """A console on the screen, opened once."""

    def run(self) -> "Leaving":
        """Until it is left. Raises what it crashed of."""
        ...

    def leave(self, how: "Leaving") -> None:
        """Have it left; may be called from a signal handler or another thread."""
        ...


class Process:
    """One gateway from start to end, with or without a console."""

    def __init__(self, new_gateway: "Callable[[Callable[[], None]], GatewayThread]", directory: DataDirectory) -> None:
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._gateway = new_gateway(self._gateway_ended)
        self._directory = directory
        self._console: Console | None = None
        self._terminals = [handle for handle in (0, 1, 2) if os.isatty(handle)]

    def start(self) -> str:
        """Heed signals and start the gateway; where it serves. Raises what keeps it from serving."""
        heed(self._told_to_stop, self._hung_up)
        self._gateway.start()
        calm_runtime()
        log.info("serving %s, process %d", self._gateway.base_url, os.getpid())
        return self._gateway.base_url

    def show(self, new_console: Callable[[Link], Console]) -> None:
        """Have a console on the screen until there is to be none any more."""
        leaving = self._open(new_console)
        while leaving is None:
            leaving = self._open(new_console)
        self._follow(leaving)

    def wait(self) -> int:
        """Serve until told to stop and all has ended; the exit code."""
        stopping = False
        while (order := self._orders.get()) != "ended":
            if order == "hang_up":
                self._let_go_of_terminal()
                continue
            hurry = stopping or order == "stop_now"
            log.info("stopping%s", " at once" if hurry else ", running requests may end")
            if hurry:
                self._gateway.leave(0)
            else:
                self._gateway.leave()
            stopping = True
        self._gateway.join()
        log.info("ended")
        return 1 if self._gateway.failure else 0

    def _open(self, new_console: Callable[[Link], Console]) -> "Leaving | None":
        """How the console was left; None when it is to be opened again."""
        link = self._gateway.link()
        try:
            self._console = new_console(link)
            return self._console.run()
        except Exception as error:
            self._console = None
            return self._after_crash(error)
        finally:
            self._console = None
            link.close()
            heed(self._told_to_stop, self._hung_up)  # the console may have put its own handlers in place

    def _after_crash(self, error: Exception) -> "Leaving | None":
        log.error("the console crashed, the gateway goes on", exc_info=error)
        where = keep_crash(error, self._directory.path)
        say(f"\nThe console crashed ({type(error).__name__}); {where} tells more.")
        say(f"The gateway goes on serving {self._gateway.base_url}.")
        answers: dict[str, Leaving | None] = {"r": None, "d": "detach", "s": "stop"}
        return answers[self._question("r  open it again    d  detach    s  stop the gateway", answers, "d")]

    def _question(self, question: str, answers: Collection[str], otherwise: str) -> str:
        """What the operator answers; `otherwise` when there is nobody to ask, or a signal comes first."""
        if 0 not in self._terminals:
            return otherwise
        say(question)
        while self._orders.empty():
            readable, _, _ = select.select([0], [], [], LOOK_SECONDS)
            if not readable:
                continue
            try:
                line = os.read(0, 1024)
            except OSError:
                line = b""
            answer = line.decode(errors="replace").strip()
            if not line or answer in answers:
                return answer or otherwise
        return otherwise

    def _follow(self, leaving: "Leaving") -> None:
        if leaving == "stop":
            say("Stopping: running requests may end within 30 seconds. Ctrl+C cuts them.")
            self._orders.put("stop")
        elif leaving == "stop_now" or leaving == "hang_up":
            self._orders.put(leaving)
        else:
            say(f"The gateway keeps serving {self._gateway.base_url}. Ctrl+C stops it,")
            say("`console attach` in another terminal opens the console again.")

    def _told_to_stop(self) -> None:
        if self._console:
            self._console.leave("stop")
        else:
            self._orders.put("stop")

    def _hung_up(self) -> None:
        if self._console:
            self._console.leave("hang_up")
        else:
            self._orders.put("hang_up")

    def _gateway_ended(self) -> None:
        self._orders.put("ended")
        if console := self._console:
            console.leave("stop")

    def _let_go_of_terminal(self) -> None:
        """Whatever is still written to the terminal that went away must not fail."""
        log.info("the terminal is gone, the gateway goes on serving %s", self._gateway.base_url)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in self._terminals:
            os.dup2(nowhere, handle)
        os.close(nowhere)
        self._terminals.clear()


def attend(console: Console, directory: DataDirectory) -> int:
    """Have a console on the screen that looks at a gateway of another process; the exit code."""
    heed(lambda: console.leave("leave"), lambda: console.leave("leave"))
    try:
        console.run()
    except Exception as error:
        log.error("the console crashed", exc_info=error)
        where = keep_crash(error, directory.path)
        say(f"\nThe console crashed ({type(error).__name__}); {where} tells more. The gateway is not touched by that.")
        return 1
    return 0


def settle(directory: DataDirectory, log_file: Path, *, on_stderr: bool) -> None:
    """Make the process keep its secrets to itself, and write down what it does."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    keep_log(log_file, on_stderr=on_stderr)
    watch_for_faults(directory.path / "faults.log")


def heed(on_stop: Callable[[], None], on_hang_up: Callable[[], None]) -> None:
    """Have signals call these on the main thread."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: on_stop())
    signal.signal(signal.SIGHUP, lambda *_: on_hang_up())


def keep_crash(error: Exception, directory: Path) -> Path:
    """Write down what a console crashed of, for its owner's eyes."""
    path = directory / time.strftime("crash-%Y%m%d-%H%M%S.txt")
    path.write_text(describe(error) + "\n")
    path.chmod(0o600)
    return path


def say(text: str) -> None:
    """A line for whoever looks at the terminal, if there is one."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except OSError:
        log.debug("nobody looks: %s", text)
