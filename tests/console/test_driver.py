"""The way to the terminal outlives the terminal."""

import os
import signal

from console.app import ConsoleApp
from console.driver import PatientFile, SafeDriver


def test_writing_to_a_terminal_that_went_away_is_quietly_in_vain() -> None:
    reader, writer = os.pipe()
    file = PatientFile(writer)
    os.close(reader)
    file.write("anyone there?" * 10_000)
    file.flush()
    os.close(writer)


def test_text_that_cannot_be_encoded_is_still_written() -> None:
    reader, writer = os.pipe()
    file = PatientFile(writer)
    file.write("half a \ud83d pair")
    file.flush()
    assert os.read(reader, 100) == b"half a ? pair"
    os.close(reader)
    os.close(writer)


async def test_a_signal_that_follows_a_hang_up_does_not_start_drawing_again(app: ConsoleApp) -> None:
    SafeDriver(app)
    assert signal.getsignal(signal.SIGCONT) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL
