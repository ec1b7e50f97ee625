"""Packs tokenizer ranks to ship them: `python -m data.reference.pack_ranks o200k_base.tiktoken [more.tiktoken ...]`.

A `.tiktoken` file has one line a token: its bytes in base64, a space, its rank. Packed, the tokens stand in the order
of their ranks, each behind a byte that says how long it is, all of it compressed with xz. Only files whose SHA-256 is
the one that tiktoken itself demands are packed. This is run when ranks change, never by the gateway.
"""

import hashlib
import lzma
import sys
from base64 import b64decode
from pathlib import Path

KNOWN = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
HERE = Path(__file__).parent


def pack(name: str, text: bytes) -> bytes:
    """The packed form of a `.tiktoken` file's text. Raises ValueError unless it is the genuine one."""
    if hashlib.sha256(text).hexdigest() != KNOWN.get(name):
        raise ValueError(f"{name}: not the file that tiktoken knows by this name.")
    ranked = sorted((int(rank), b64decode(token)) for token, rank in (line.split() for line in text.splitlines()))
    if [rank for rank, _ in ranked] != list(range(len(ranked))):
        raise ValueError(f"{name}: the ranks have gaps.")
    return lzma.compress(b"".join(bytes((len(token),)) + token for _, token in ranked), preset=9 | lzma.PRESET_EXTREME)


def main(paths: list[str]) -> None:
    """Pack each file next to this program."""
    for path in map(Path, paths):
        packed = pack(path.stem, path.read_bytes())
        (HERE / f"{path.stem}.xz").write_bytes(packed)
        sys.stdout.write(f"{path.stem}: {len(packed):,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
