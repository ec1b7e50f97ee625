"""Text from outside made inert: no control character of it may reach the terminal. No Textual here: commands use it."""

import re

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
        **dict.fromkeys("◉", "@"),
        **dict.fromkeys("□", "="),
        **dict.fromkeys("▶►→", ">"),
        **dict.fromkeys("▲", "^"),
        **dict.fromkeys("▼", "v"),
        **dict.fromkeys("─┼┤├╭╮╰╯└┘┌┐", "-"),
        **dict.fromkeys("│┃‖", "|"),
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
