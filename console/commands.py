"""Everything that can be done by a key, named once: bindings, key line, help, palette and tests all read it here."""

from collections.abc import Iterable

from msgspec import Struct
from textual.binding import Binding, BindingType

KEY_NAMES = {
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "up": "Up",
    "down": "Down",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "minus": "-",
    "plus": "+",
    "dollar_sign": "$",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left": "Left",
    "right": "Right",
}


class Command(Struct, frozen=True):
    """Something the operator can do here."""

    id: str
    """`screen.verb`; a keymap may override by it."""
    keys: str
    """Textual's key names, separated by commas; the first is the one shown."""
    label: str
    """A word or two for the key line."""
    help: str
    """A sentence for the help overlay and the palette."""
    action: str
    """Textual's action: `cut` calls `action_cut`."""
    shown: bool = False
    """On the key line."""

    @property
    def key(self) -> str:
        """The first key, as a person writes it."""
        return key_name(self.keys)

    @property
    def all_keys(self) -> str:
        """All its keys, as a person writes them."""
        return " ".join(key_name(key) for key in self.keys.split(","))


def key_name(keys: str) -> str:
    """The first of some keys as a person writes it."""
    key = keys.split(",")[0] or ","
    if key.startswith("ctrl+"):
        return f"^{key[5:].upper()}"
    return KEY_NAMES.get(key, key)


def bindings(commands: Iterable[Command]) -> list[BindingType]:
    """Textual's bindings for some commands."""
    return [
        Binding(command.keys, command.action, command.label, show=False, id=command.id, tooltip=command.help)
        for command in commands
    ]


ANYWHERE = (
    Command("go.live", "1", "Live", "Go to the live requests.", "app.go('live')"),
    Command("go.keys", "2", "Keys", "Go to the client keys.", "app.go('keys')"),
    Command("go.upstreams", "3", "Upstreams", "Go to the upstreams.", "app.go('upstreams')"),
    Command("go.routes", "4", "Routes", "Go to the routes.", "app.go('routes')"),
    Command("go.usage", "5", "Usage", "Go to usage and cost.", "app.go('usage')"),
    Command("go.logs", "6", "Logs", "Go to the event list.", "app.go('logs')"),
    Command("go.settings", "7", "Settings", "Go to the settings.", "app.go('settings')"),
    Command("app.previous", "minus", "previous", "Go to the screen you came from.", "app.previous"),
    Command("app.back", "escape", "back", "Close what is on top, then clear the filter. Never quits.", "app.back"),
    Command("app.quit", "q", "leave", "Go back; on a main screen, ask how to leave.", "app.leave"),
    Command("app.help", "?", "help", "Show every key of this screen.", "app.help"),
    Command("app.undo", "z", "undo", "Take back the last change that can be; asks first.", "app.undo"),
    Command("app.palette", ":,ctrl+p", "commands", "Find any command by its name.", "app.command_palette"),
    Command("app.theme", "T", "theme", "Change to the next theme: dark, light, the terminal's own.", "app.theme"),
    Command("app.redraw", "R,ctrl+l", "redraw", "Draw the whole screen again.", "app.redraw"),
    Command("app.interrupt", "ctrl+c", "copy", "Copy the selected text, or say how to leave.", "app.interrupt"),
)
"""Keys that mean the same on every screen."""

LISTS = (
    Command("list.open", "enter", "open", "Open the selected row.", "open", shown=True),
    Command("list.down", "j,down", "down", "Select the next row.", "move(1)"),
    Command("list.up", "k,up", "up", "Select the row above.", "move(-1)"),
    Command("list.page_down", "ctrl+d,pagedown", "page down", "Move a page down.", "page(1)"),
    Command("list.page_up", "ctrl+u,pageup", "page up", "Move a page up.", "page(-1)"),
    Command("list.first", "g,home", "top", "Go to the first row; on Live, follow again.", "first"),
    Command("list.last", "G,end", "bottom", "Go to the last row.", "last"),
)
"""Keys of every list."""

PAGES = (
    Command("page.down", "j,down", "down", "Scroll one line down.", "scroll_by(1)"),
    Command("page.up", "k,up", "up", "Scroll one line up.", "scroll_by(-1)"),
    Command("page.page_down", "ctrl+d,pagedown,space", "page down", "Scroll a page down.", "scroll_page(1)"),
    Command("page.page_up", "ctrl+u,pageup", "page up", "Scroll a page up.", "scroll_page(-1)"),
    Command("page.first", "g,home", "top", "Go to the top.", "scroll_top"),
    Command("page.last", "G,end", "bottom", "Go to the end.", "scroll_bottom"),
)
"""Keys of every page of text."""

FILTER = Command("list.filter", "/", "filter", "Show only the rows that fit what you type.", "filter", shown=True)
