"""What can be seen of a data directory from outside."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from data.checkup import damage, exposed, foreign, free_bytes, master_key_source, newest_write
from data.directory import DataDirectory, locate, prepare
from data.secrets import VARIABLE


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    directory = locate(tmp_path / "data")
    umask = os.umask(0o077)
    prepare(directory)
    os.umask(umask)
    return directory


def fill(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE numbers (n INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany("INSERT INTO numbers (text) VALUES (?)", [("x" * 500,)] * 500)


def test_a_sound_database_has_no_damage_to_tell_of(directory: DataDirectory) -> None:
    assert damage(directory.database) == ""
    fill(directory.database)
    assert damage(directory.database) == ""


def test_damage_in_the_middle_of_a_database_is_found(directory: DataDirectory) -> None:
    fill(directory.database)
    with directory.database.open("r+b") as file:
        file.seek(8192)
        file.write(os.urandom(8192))
    assert damage(directory.database)


def test_a_file_that_others_could_read_is_named(directory: DataDirectory) -> None:
    assert exposed(directory) == []
    loose = directory.path / "copy.db"
    loose.touch()
    loose.chmod(0o644)
    assert exposed(directory) == [loose]
    assert foreign(directory) == []


def test_where_the_master_key_comes_from_is_told_without_reading_it(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert master_key_source(directory) == ""
    directory.secrets.mkdir()
    (directory.secrets / "master.key").touch()
    assert master_key_source(directory).endswith("master.key")
    monkeypatch.setenv(VARIABLE, "secret")
    assert master_key_source(directory) == f"the variable {VARIABLE}"


def test_a_directory_that_is_not_there_yet_can_be_looked_at_too(tmp_path: Path) -> None:
    directory = locate(tmp_path / "not" / "yet")
    assert newest_write(directory) == 0
    assert free_bytes(directory) > 0
    assert exposed(directory) == []
