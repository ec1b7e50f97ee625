"""A screen that is not there yet."""

from textual.app import ComposeResult

from console.screens.frame import FrameScreen
from console.widgets.page import Page


class PlaceholderScreen(FrameScreen):
    """Says so."""

    TITLE_IN_HELP = "Not there yet"

    def body(self) -> ComposeResult:
        """One sentence."""
        yield Page(lambda width: [(), (("  This screen is not there yet.", "muted"),)])
