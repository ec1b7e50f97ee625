"""Who holds a port: looked up on this machine, with real sockets."""

import os
import socket
import sys
from collections.abc import Iterator

import pytest

from gateway.ports import holder, is_free, next_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells who holds a port")
def test_the_process_that_listens_on_a_port_is_named(taken: int) -> None:
    assert holder(taken).endswith(f"process {os.getpid()}")


def test_a_port_that_nobody_listens_on_has_no_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert holder(port) == ""


def test_the_next_free_port_is_one_that_can_be_listened_on(taken: int) -> None:
    assert not is_free("127.0.0.1", taken)
    free = next_free("127.0.0.1", taken)
    assert free is not None
    assert free > taken
    assert is_free("127.0.0.1", free)


def test_looking_for_a_free_port_ends_at_the_last_one() -> None:
    assert next_free("127.0.0.1", 65535) is None
