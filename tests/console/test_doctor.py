"""The doctor: finds what is wrong, and says what to do about it."""

import os
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from shell import free_port

from console import doctor
from console.doctor import Check, examine, report
from data.directory import DataDirectory, locate
from gateway.service import ServiceOptions
from gateway.thread import GatewayThread


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    umask = os.umask(0o077)
    gateway = GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0))
    gateway.start()
    gateway.stop(drain=0)
    os.umask(umask)
    return locate(tmp_path / "data")


def wrong(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if not check.ok]


def test_where_nothing_was_started_yet_nothing_is_wrong(tmp_path: Path) -> None:
    assert wrong(examine(locate(tmp_path / "data"), "127.0.0.1", free_port())) == []


def test_a_gateway_that_runs_is_found_to_hold_its_own_port(tmp_path: Path) -> None:
    gateway = GatewayThread(ServiceOptions(directory=tmp_path / "data", port=0))
    gateway.start()
    port = int(gateway.base_url.rpartition(":")[2])
    checks = {check.name: check for check in examine(locate(tmp_path / "data"), "127.0.0.1", port)}
    gateway.stop(drain=0)
    assert checks[f"port {port}"].found.startswith("this gateway serves http:")
    assert f"pid {os.getpid()}" in checks["gateway"].found


def test_a_port_that_a_stranger_holds_comes_with_a_free_one(directory: DataDirectory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        check = doctor.check_port(directory, "127.0.0.1", stranger.getsockname()[1])
    assert not check.ok
    assert "--port" in check.advice


def test_files_that_others_can_read_come_with_the_command_that_closes_them(directory: DataDirectory) -> None:
    directory.database.chmod(0o644)
    check = doctor.check_directory(directory)
    assert not check.ok
    assert "chmod" in check.advice


def test_a_damaged_database_is_found_and_left_alone(directory: DataDirectory) -> None:
    with directory.database.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(8192))
    before = directory.database.read_bytes()
    assert not doctor.check_database(directory).ok
    assert directory.database.read_bytes() == before


def test_a_lost_master_key_is_told_before_a_start_fails(directory: DataDirectory) -> None:
    (directory.secrets / "master.key").unlink()
    assert wrong(examine(directory, "127.0.0.1", free_port())) == ["master key", "providers"]


def test_a_clock_that_went_back_is_noticed_by_what_was_written(directory: DataDirectory) -> None:
    assert doctor.check_clock(directory, time.time()).ok
    assert not doctor.check_clock(directory, time.time() - 86_400).ok
    assert not doctor.check_clock(directory, 0).ok


def test_a_provider_that_does_not_answer_is_wrong_and_one_that_does_is_not(directory: DataDirectory) -> None:
    with closing(sqlite3.connect(directory.database)) as connection, connection:
        add = "INSERT INTO upstreams (name, provider_id, base_urls, credential_hint, weight, enabled, created_at)"
        for name, provider, urls in (
            ("works", "demo", "{}"),
            ("fails", "ollama", '{"openai_chat": "http://127.0.0.1:1/v1"}'),
        ):
            connection.execute(f"{add} VALUES (?, ?, ?, '', 1, 1, 0)", (name, provider, urls))
    checks = examine(directory, "127.0.0.1", free_port())
    assert wrong(checks) == ["provider fails"]


def test_the_report_ends_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    report([Check("port 1", False, "taken", "Use another."), Check("disk", True, "full of room")], False)
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "port 1: Use another."
