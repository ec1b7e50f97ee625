"""The `console` command as a user's shell runs it: real processes, a data directory of their own, a real terminal."""

import asyncio
import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from data.directory import locate
from gateway.operations import AddUpstream, CreateKey
from gateway.remote import RemoteLink

COMMAND = (sys.executable, "-c", "from console.main import main; main()")
PATIENCE = 30


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something that comes about in another process."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Shell:
    """Runs `console` on one data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GATEHOUSE_")}
        self.environment = {
            **kept,
            "GATEHOUSE_DATA": str(directory),
            "GATEHOUSE_PORT": str(self.port),
            "TERM": "xterm-256color",
            "COLUMNS": "200",
        }

    def run(self, *arguments: str, stdin: str = "", status: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=PATIENCE,
            check=False,
        )
        assert status is None or done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments: str) -> Any:
        """What a command answers with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def beginning(self, *arguments: str) -> "Iterator[Begun]":
        """A command that is left running until the end of the context."""
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        try:
            yield Begun(process)
        finally:
            process.kill()
            process.communicate()

    @contextmanager
    def serving(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """A gateway without a console, until the end of the context."""
        with self.beginning("serve", *arguments) as begun:
            until(lambda: self.answers() or begun.process.poll() is not None, "the gateway")
            assert begun.process.poll() is None, self.log()
            yield begun.process

    def answers(self) -> bool:
        """Whether the port answers."""
        try:
            httpx.get(f"{self.url}/v1/models", timeout=5)
        except httpx.TransportError:
            return False
        return True

    def new_key(self) -> str:
        """A client key of the running gateway, with the demo provider behind it."""

        async def make() -> str:
            link = RemoteLink(locate(self.directory).socket)
            await link.ask(AddUpstream("demo"))
            created = await link.ask(CreateKey("tests"))
            await link.close()
            return created.secret

        return asyncio.run(make())

    def log(self) -> str:
        """What the process wrote down."""
        path = self.directory / "gatehouse.log"
        return path.read_text() if path.exists() else ""


class Begun:
    """A command that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.process = process
        self._output = process.stdout

    def speaks(self) -> bool:
        """Whether it has printed something that was not read yet."""
        return bool(select.select([self._output], [], [], 0)[0])

    def line(self) -> str:
        return self._output.readline()

    def ends(self) -> bool:
        """Whether it ends well by itself."""
        return self.process.wait(PATIENCE) == 0


class Terminal:
    """A terminal window with a command in it."""

    def __init__(self, shell: Shell, *arguments: str, code: str = "") -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [*COMMAND[:2], code] if code else COMMAND
        self.process = subprocess.Popen(
            [*command, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=shell.environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self._seen = b""
        self._open = True
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def seen(self) -> str:
        """Everything it showed so far, without control sequences."""
        text = re.sub(rb"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|[\]P_][^\x07\x1b]*(\x07|\x1b\\)|.)", b"", self._seen)
        return text.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Wait until a text has been shown."""
        until(lambda: text in self.seen, f"{text!r} in {self.seen[-2000:]!r}")

    @property
    def restored(self) -> bool:
        """Whether the full screen was left, with the cursor visible."""
        return self._seen.rfind(b"\x1b[?1049l") > self._seen.rfind(b"\x1b[?1049h") >= 0

    def press_until(self, keys: str, text: str) -> None:
        """Press keys, again after a while: a question that has just opened does not take an answer at once."""
        until(lambda: self._press(keys, text), f"{text!r} in {self.seen[-2000:]!r}")

    def _press(self, keys: str, text: str) -> bool:
        if text in self.seen:
            return True
        self.type(keys)
        time.sleep(0.5)
        return text in self.seen

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def close(self) -> None:
        """Close the window: what runs in it is sent SIGHUP, and the terminal is gone."""
        self._open = False
        self._reader.join()

    def _read(self) -> None:
        while self._open:
            readable, _, _ = select.select([self._ours], [], [], 0.05)
            if readable and not self._take():
                break
        os.close(self._ours)

    def _take(self) -> bool:
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # nobody has the other end open any more
            return False
        self._seen += piece
        return bool(piece)


@contextmanager
def window(shell: Shell, *arguments: str, code: str = "") -> Iterator[Terminal]:
    """A terminal window, closed at the end with what still runs in it."""
    terminal = Terminal(shell, *arguments, code=code)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()
        terminal.close()
