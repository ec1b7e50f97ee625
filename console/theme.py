"""Our own dark and light themes, and which one to start with. Screens name tones, never colours."""

from collections.abc import Mapping

from textual.theme import Theme

DARK = Theme(
    name="gatehouse-dark",
    primary="#7aa2c9",
    secondary="#8a94a6",
    accent="#5fc4b8",
    success="#8fb573",
    warning="#e0b062",
    error="#e5737d",
    foreground="#d5dae3",
    background="#12161c",
    surface="#171c24",
    panel="#1f2630",
    dark=True,
    variables={
        "text-muted": "#7f8a9b",
        "text-accent": "#5fc4b8",
        "text-success": "#8fb573",
        "text-warning": "#e0b062",
        "text-error": "#f0858e",
        "rule": "#2f3946",
        "block-cursor-background": "#2a3a4d",
        "block-cursor-foreground": "#f2f5f9",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1f2833",
        "block-cursor-blurred-foreground": "#d5dae3",
        "block-cursor-blurred-text-style": "none",
        "scrollbar": "#2f3946",
        "scrollbar-background": "#12161c",
    },
)

LIGHT = Theme(
    name="gatehouse-light",
    primary="#2f5f8f",
    secondary="#5c6675",
    accent="#0f766e",
    success="#3f7527",
    warning="#8a5a00",
    error="#b3263a",
    foreground="#1d232c",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e9e6df",
    dark=False,
    variables={
        "text-muted": "#6b7480",
        "text-accent": "#0f766e",
        "text-success": "#3f7527",
        "text-warning": "#8a5a00",
        "text-error": "#b3263a",
        "rule": "#d5d1c7",
        "block-cursor-background": "#d6e3ef",
        "block-cursor-foreground": "#10151c",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e9e6df",
        "block-cursor-blurred-foreground": "#1d232c",
        "block-cursor-blurred-text-style": "none",
        "scrollbar": "#d5d1c7",
        "scrollbar-background": "#fbfaf7",
    },
)

CHOICES = (DARK.name, LIGHT.name, "ansi-dark", "ansi-light")
"""In the order in which the theme key goes through them."""


def starting_theme(chosen: str, environment: Mapping[str, str]) -> str:
    """The theme asked for, else the terminal's own palette where colours are few, else ours."""
    if chosen in CHOICES:
        return chosen
    many = environment.get("COLORTERM", "") or "256" in environment.get("TERM", "")
    return DARK.name if many else "ansi-dark"


def next_theme(current: str) -> str:
    """The one after this."""
    return CHOICES[(CHOICES.index(current) + 1) % len(CHOICES)] if current in CHOICES else CHOICES[0]
