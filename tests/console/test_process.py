"""The life of the process: what ends it, what does not, and what is left behind. Real processes in real terminals."""

import os
import signal
import stat
import threading
from pathlib import Path

import httpx
import pytest
from shell import PATIENCE, Shell, until, window

pytestmark = pytest.mark.timeout(120)

CRASHING = """
from console import main, opening
def crash(self): raise ValueError("broken with sk-live-1234567890abcdef")
opening.CarefulApp.on_ready = crash
main.main()
"""


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


class Answer:
    """A streamed answer of the demo provider, read on a thread."""

    def __init__(self, shell: Shell, secret: str, words: int) -> None:
        self.text = b""
        self._shell, self._secret, self._words = shell, secret, words
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        until(lambda: bool(self.text), "the answer's beginning")

    def end(self) -> bytes:
        """All of it."""
        self.thread.join(PATIENCE)
        return self.text

    def _read(self) -> None:
        question = [{"role": "user", "content": f"[demo words {self._words}]"}]
        body = {"model": "demo-1", "stream": True, "messages": question}
        headers = {"authorization": f"Bearer {self._secret}"}
        url = f"{self._shell.url}/v1/chat/completions"
        try:
            with httpx.stream("POST", url, json=body, headers=headers, timeout=PATIENCE) as response:
                for piece in response.iter_bytes():
                    self.text += piece
        except httpx.TransportError:
            self.text += b"(broken off)"


# --- without a console


def test_a_gateway_told_to_stop_lets_running_answers_end(shell: Shell) -> None:
    with shell.serving() as process:
        answer = Answer(shell, shell.new_key(), words=40)
        process.terminate()
        assert answer.end().endswith(b"data: [DONE]\n\n")
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_gateway_told_twice_cuts_them_with_an_error_of_their_protocol(shell: Shell) -> None:
    with shell.serving() as process:
        answer = Answer(shell, shell.new_key(), words=40_000)
        process.terminate()
        until(lambda: "stopping" in shell.log(), "the drain")
        process.terminate()
        assert b'"error"' in answer.end()
        assert process.wait(PATIENCE) == 0
    (exchange,) = shell.json("exchange", "list")
    assert exchange["state"] == "cut"


def test_the_stop_command_ends_the_gateway(shell: Shell) -> None:
    with shell.serving() as process:
        shell.run("stop")
        assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_killed_gateway_starts_again_with_everything_on_record(shell: Shell) -> None:
    with shell.serving() as process:
        answer = Answer(shell, shell.new_key(), words=40_000)
        process.kill()
        answer.end()
    with shell.serving():
        (exchange,) = shell.json("exchange", "list")
        assert exchange["state"] == "interrupted"


def test_a_hang_up_does_not_end_a_gateway_without_a_console(shell: Shell) -> None:
    with window(shell, "serve") as terminal:
        terminal.wait_for("gatehouse serves")
        terminal.close()
        until(lambda: "terminal is gone" in shell.log(), "the hang-up")
        assert shell.answers()
        terminal.process.terminate()
        assert terminal.process.wait(PATIENCE) == 0


def test_everything_that_a_gateway_leaves_is_for_its_owner_alone(shell: Shell) -> None:
    with shell.serving() as process:
        shell.new_key()
        process.terminate()
        process.wait(PATIENCE)
    found = [shell.directory, *shell.directory.rglob("*")]
    assert len(found) > 4
    assert not [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o077]


# --- with one


def test_a_closed_terminal_leaves_the_gateway_serving(shell: Shell) -> None:
    with window(shell) as terminal:
        terminal.wait_for("Live")
        secret = shell.new_key()
        answer = Answer(shell, secret, words=60)
        terminal.close()
        until(lambda: "terminal is gone" in shell.log(), "the hang-up")
        assert answer.end().endswith(b"data: [DONE]\n\n")
        terminal.process.terminate()
        assert terminal.process.wait(PATIENCE) == 0


def test_a_signal_to_stop_restores_the_terminal_and_drains(shell: Shell) -> None:
    with window(shell) as terminal:
        terminal.wait_for("Live")
        answer = Answer(shell, shell.new_key(), words=40)
        terminal.process.terminate()
        assert answer.end().endswith(b"data: [DONE]\n\n")
        assert terminal.process.wait(PATIENCE) == 0
        terminal.wait_for("Stopping")
        assert terminal.restored


def test_leaving_by_detaching_goes_on_without_a_console(shell: Shell) -> None:
    with window(shell) as terminal:
        terminal.wait_for("Live")
        terminal.press_until("q", "Leave the console?")
        terminal.press_until("d", "Ctrl+C stops it")
        assert shell.answers()
        terminal.type("\x03")
        assert terminal.process.wait(PATIENCE) == 0


def test_leaving_by_stopping_ends_the_gateway(shell: Shell) -> None:
    with window(shell) as terminal:
        terminal.wait_for("Live")
        terminal.press_until("q", "Leave the console?")
        terminal.press_until("s", "Stopping")
        assert terminal.process.wait(PATIENCE) == 0


def test_an_attached_console_leaves_the_gateway_alone(shell: Shell) -> None:
    with shell.serving() as process, window(shell, "attach") as terminal:
        terminal.wait_for("Live")
        terminal.press_until("q", "Leave the console?")
        terminal.type("d")
        assert terminal.process.wait(PATIENCE) == 0
        assert process.poll() is None
        assert shell.answers()


def test_a_gateway_that_is_stopped_from_elsewhere_takes_its_console_along(shell: Shell) -> None:
    with window(shell) as terminal:
        terminal.wait_for("Live")
        shell.run("stop")
        assert terminal.process.wait(PATIENCE) == 0
        assert terminal.restored


def test_a_crash_of_the_console_leaves_the_gateway_and_tells_no_secret(shell: Shell) -> None:
    with window(shell, code=CRASHING) as terminal:
        terminal.wait_for("r  open it again")
        assert shell.answers()
        assert "sk-live" not in terminal.seen
        (told,) = shell.directory.glob("crash-*.txt")
        assert "in crash" in told.read_text()
        assert "sk-live" not in told.read_text() + shell.log()
        terminal.type("s\n")
        assert terminal.process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_console_can_be_opened_again_after_a_crash(shell: Shell) -> None:
    code = CRASHING.replace("raise ValueError", "opening.CarefulApp.on_ready = lambda self: None; raise ValueError")
    with window(shell, code=code) as terminal:
        terminal.wait_for("r  open it again")
        shown = len(terminal.seen)
        terminal.type("r\n")
        until(lambda: "Live" in terminal.seen[shown:], "the console")
        os.kill(terminal.process.pid, signal.SIGTERM)
        assert terminal.process.wait(PATIENCE) == 0
