"""Where the files are, who may read them, and who owns them."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data.directory import DataDirectory, DirectoryLock, holder, locate, prepare
from data.errors import DataError

HOLD = """
import sys
from pathlib import Path
from data.directory import DirectoryLock, locate
with DirectoryLock(locate(Path(sys.argv[1]))) as lock:
    lock.announce("http://127.0.0.1:8400")
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(directory: DataDirectory) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(directory.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@pytest.fixture(autouse=True)
def _usual_umask() -> None:
    os.umask(0o022)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_created_is_closed_to_everybody_else(tmp_path: Path) -> None:
    directory = locate(tmp_path / "new" / "data")
    prepare(directory)
    with DirectoryLock(directory):
        assert mode(directory.path) == mode(directory.journal) == 0o700
        assert mode(directory.lock) == 0o600


def test_a_directory_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(DataError, match="chmod 700"):
        prepare(locate(tmp_path / "open"))


def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a directory away")
    (tmp_path / "foreign").mkdir(mode=0o700)
    os.chown(tmp_path / "foreign", 65534, 65534)
    with pytest.raises(DataError, match="belongs to another user"):
        prepare(locate(tmp_path / "foreign"))


def test_a_file_in_the_way_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot use the directory"):
        prepare(locate(tmp_path / "file"))


def test_the_chosen_directory_goes_before_the_environment_and_that_before_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_DATA", str(tmp_path / "named"))
    assert locate(tmp_path / "chosen").path == tmp_path / "chosen"
    assert locate().path == tmp_path / "named"
    monkeypatch.delenv("GATEHOUSE_DATA")
    assert locate().path.name == "gatehouse"


def test_the_master_key_lies_outside_the_usual_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEHOUSE_DATA", raising=False)
    usual = locate()
    assert not usual.secrets.is_relative_to(usual.path)


def test_a_socket_address_is_never_too_long(tmp_path: Path) -> None:
    deep = locate(tmp_path / ("d" * 120))
    assert len(os.fsencode(deep.socket)) <= 100
    assert deep.socket == locate(deep.path).socket != locate(tmp_path / ("e" * 120)).socket


def test_the_directory_of_a_moved_socket_is_closed_to_everybody_else(tmp_path: Path) -> None:
    directory = locate(tmp_path / ("d" * 120))
    prepare(directory)
    try:
        assert mode(directory.socket.parent) == 0o700
    finally:
        directory.socket.parent.rmdir()


def test_a_short_path_keeps_the_socket_in_the_directory() -> None:
    with tempfile.TemporaryDirectory(prefix="gh") as path:
        assert locate(Path(path)).socket.parent == Path(path)


def test_a_second_process_learns_who_holds_the_directory(tmp_path: Path) -> None:
    directory = locate(tmp_path / "data")
    prepare(directory)
    with held_elsewhere(directory) as process:
        with pytest.raises(DataError, match=rf"pid {process.pid}, serving http://127.0.0.1:8400, since 2"):
            DirectoryLock(directory).__enter__()
        held = holder(directory)
        assert held is not None
        assert held.pid == process.pid


def test_a_process_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    directory = locate(tmp_path / "data")
    prepare(directory)
    with held_elsewhere(directory) as process:
        process.kill()
    assert holder(directory) is None
    with DirectoryLock(directory):
        assert holder(directory) is not None


def test_a_lock_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    directory = locate(tmp_path / "data")
    prepare(directory)
    directory.lock.mkdir()
    with pytest.raises(DataError, match="cannot write"):
        DirectoryLock(directory).__enter__()


def test_nobody_holds_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    assert holder(locate(tmp_path / "absent")) is None


def test_a_shorter_address_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    directory = locate(tmp_path / "data")
    prepare(directory)
    with DirectoryLock(directory) as lock:
        lock.announce("http://a-rather-long-name.example:8400")
        lock.announce("http://[::1]:1")
        held = holder(directory)
    assert held is not None
    assert held.base_url == "http://[::1]:1"
