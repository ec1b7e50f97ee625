"""The tokenizer ranks that ship with the project."""

import hashlib
import lzma
from base64 import b64encode
from importlib.resources import files

import pytest

from data.ranks import load_ranks
from data.reference.pack_ranks import KNOWN, pack


def tiktoken_text(name: str) -> bytes:
    return b"".join(b"%s %d\n" % (b64encode(token), rank) for token, rank in load_ranks(name).items())


@pytest.mark.parametrize("name", KNOWN)
def test_what_was_packed_is_the_file_that_tiktoken_demands(name: str) -> None:
    assert hashlib.sha256(tiktoken_text(name)).hexdigest() == KNOWN[name]


def test_packing_what_was_unpacked_changes_nothing() -> None:
    shipped = files("data.reference").joinpath("cl100k_base.xz").read_bytes()
    assert lzma.decompress(pack("cl100k_base", tiktoken_text("cl100k_base"))) == lzma.decompress(shipped)


def test_ranks_that_are_not_genuine_are_never_packed() -> None:
    with pytest.raises(ValueError, match="o200k_base"):
        pack("o200k_base", b"IQ== 0\n")
