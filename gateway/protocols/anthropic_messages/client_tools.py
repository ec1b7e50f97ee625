"""Tools that Anthropic names by a date and the client runs itself: for everybody else they are functions.

The model was trained on them, so their schemas are not in the request.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from gateway.canonical import JSON

_DATED = re.compile(r"(bash|text_editor|memory|computer)_\d{8}")


class ClientTool(Struct, frozen=True):
    """What a model must be told of such a tool."""

    description: str
    schema: JSON


def client_tool(item: JSON) -> ClientTool | None:
    """The tool that an item of this type stands for, or None when it is no such tool."""
    dated = _DATED.fullmatch(str(item.get("type")))
    if dated is None:
        return None
    if dated[1] != "computer":
        return _TOOLS[dated[1]]
    width, height = item.get("display_width_px"), item.get("display_height_px")
    size = f" The screen is {width} pixels wide and {height} high." if width and height else ""
    return ClientTool(_COMPUTER.description + size, _COMPUTER.schema)


def _object(required: tuple[str, ...], **properties: JSON) -> JSON:
    return {"type": "object", "properties": properties, "required": list(required)}


def _text(description: str) -> JSON:
    return {"type": "string", "description": description}


def _number(description: str) -> JSON:
    return {"type": "integer", "description": description}


def _numbers(description: str) -> JSON:
    return {"type": "array", "items": {"type": "integer"}, "description": description}


def _one_of(*values: str) -> JSON:
    return {"type": "string", "enum": list(values)}


_PATH = _text("The file or directory, as an absolute path.")
_FILE_TEXT = _text("With create: the content of the new file.")
_OLD = _text("With str_replace: the text to replace. It must occur exactly once.")
_NEW = _text("With str_replace: the text to put in its place.")
_LINE = _number("With insert: the line after which to insert; 0 for the beginning.")
_INSERTED = _text("With insert: the text to insert.")
_RANGE = _numbers("With view: the first and the last line to show; -1 for the end of the file.")

_TOOLS: Mapping[str, ClientTool] = {
    "bash": ClientTool(
        "Run a command in a bash session that stays open between calls.",
        _object(
            (),
            command=_text("The command to run; needed unless the session is restarted."),
            restart={"type": "boolean", "description": "Start a new session instead of running a command."},
        ),
    ),
    "text_editor": ClientTool(
        "View, create and edit text files.",
        _object(
            ("command", "path"),
            command=_one_of("view", "create", "str_replace", "insert", "undo_edit"),
            path=_PATH,
            file_text=_FILE_TEXT,
            old_str=_OLD,
            new_str=_NEW,
            insert_line=_LINE,
            insert_text=_INSERTED,
            view_range=_RANGE,
        ),
    ),
    "memory": ClientTool(
        "Keep notes in files below /memories that last from one conversation to the next.",
        _object(
            ("command",),
            command=_one_of("view", "create", "str_replace", "insert", "delete", "rename"),
            path=_PATH,
            file_text=_FILE_TEXT,
            old_str=_OLD,
            new_str=_NEW,
            insert_line=_LINE,
            insert_text=_INSERTED,
            view_range=_RANGE,
            old_path=_text("With rename: the path as it is."),
            new_path=_text("With rename: the path as it will be."),
        ),
    ),
}

_COMPUTER = ClientTool(
    "Use a computer by its screen, mouse and keyboard.",
    _object(
        ("action",),
        action=_one_of(
            *("key", "type", "hold_key", "wait", "screenshot", "zoom", "scroll", "cursor_position", "mouse_move"),
            *("left_click", "right_click", "middle_click", "double_click", "triple_click", "left_click_drag"),
            *("left_mouse_down", "left_mouse_up"),
        ),
        coordinate=_numbers("Where to point: x and y in pixels from the top left."),
        start_coordinate=_numbers("With left_click_drag: where the drag begins."),
        text=_text("What to type, or the key or keys to press or hold."),
        scroll_direction=_one_of("up", "down", "left", "right"),
        scroll_amount=_number("How far to scroll, in clicks of the wheel."),
        duration={"type": "number", "description": "How long to wait or hold, in seconds."},
        region=_numbers("With zoom: left, top, right and bottom of the part of the screen to see."),
    ),
)
