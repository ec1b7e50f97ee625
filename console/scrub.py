"""Text from outside made inert: no control character of it may reach the terminal."""

import re
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
INVISIBLE = (0x200B, 0x2028, 0x2029, 0x2060, 0xFEFF, *range(0xFFF9, 0xFFFC))
SURROGATES = range(0xD800, 0xE000)

SIGNS: dict[int, str] = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "␡",
    **dict.fromkeys(range(0x80, 0xA0), "�"),
    **dict.fromkeys((*BIDI, *INVISIBLE), "�"),
    **dict.fromkeys(SURROGATES, "�"),
}
"""What a character that a terminal or a reader could be fooled by is shown as."""

UNSAFE = re.compile("[" + "".join(re.escape(chr(code)) for code in SIGNS) + "]")

ASCII_FORMS = str.maketrans(
    {
        **dict.fromkeys("✓", "+"),
        **dict.fromkeys("✗", "x"),
        **dict.fromkeys("↻", "r"),
        **dict.fromkeys("■█▉▊▋▓", "#"),
        **dict.fromkeys("▌▍▎▏▒", "="),
        **dict.fromkeys("▁▂░·⋅…", "."),
        **dict.fromkeys("▃▄▅", "-"),
        **dict.fromkeys("▆▇", "^"),
        **dict.fromkeys("●", "*"),
        **dict.fromkeys("◐", "~"),
        **dict.fromkeys("○◌", "o"),
        **dict.fromkeys("▶►→", ">"),
        **dict.fromkeys("▲", "^"),
        **dict.fromkeys("▼", "v"),
        **dict.fromkeys("─┼┤├╭╮╰╯└┘┌┐", "-"),
        **dict.fromkeys("│┃", "|"),
    }
)
"""Our own glyphs for terminals and fonts that have none, each of the same width."""


def scrub(text: str) -> str:
    """The text on one line, with every control character as a visible sign."""
    return text if text.isascii() and text.isprintable() else UNSAFE.sub(lambda found: SIGNS[ord(found[0])], text)


def scrub_lines(text: str) -> str:
    """The same for text of several lines: line ends stay, tabs become spaces."""
    unified = text.replace("\r\n", "\n").expandtabs(4)
    return "\n".join(scrub(line) for line in unified.split("\n"))


@lru_cache(4096)
def _clean(text: str, ascii_only: bool) -> str:
    cleaned = scrub(text)
    return cleaned.translate(ASCII_FORMS) if ascii_only else cleaned


class ScrubFilter(LineFilter):
    """The backstop: looks at every segment on its way to the terminal, whichever widget drew it."""

    def __init__(self, ascii_only: bool = False) -> None:
        super().__init__()
        self.ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with inert text; Textual's own control segments pass."""
        return [
            segment if segment.control else Segment(_clean(segment.text, self.ascii_only), segment.style)
            for segment in segments
        ]
