"""The form of a client key."""

import re
from collections.abc import Callable, Sequence

from console import moments
from console.widgets.form import Field, Values
from gateway.operations import CreateKey, EditKey, KeyView

SEPARATORS = re.compile(r"[,\s]+")


def needed(text: str) -> str:
    """What is wrong with a name that is missing."""
    return "" if text else "A name is needed."


def names_in(text: str) -> list[str]:
    """Names or patterns, separated by commas or spaces."""
    return [name for name in SEPARATORS.split(text) if name]


def expiry_check(now_micros: int, unchanged: str = "") -> Callable[[str], str]:
    """What is wrong with a time of expiry."""

    def check(text: str) -> str:
        try:
            if text != unchanged:
                moments.expiry(text, now_micros)
        except ValueError as error:
            return f"This {error}."
        return ""

    return check


def key_fields(key: KeyView | None, now_micros: int) -> Sequence[Field]:
    """For a new key, or for changing one."""
    expires = moments.written(key.expires_at) if key else ""
    return (
        Field("name", "Name", key.name if key else "", "What uses it: web-prod, ci, alice-laptop.", needed),
        Field("owner", "Owner", key.owner if key else "", "A person or team; usage is summed by it."),
        Field("tags", "Tags", ", ".join(key.tags) if key else "", "Words to filter and to sum usage by."),
        Field("note", "Note", key.note if key else ""),
        Field(
            "models",
            "Models",
            ", ".join(key.models) if key else "",
            "Such as gpt-*, claude-opus-4.5. Empty: every model.",
        ),
        Field(
            "expires_at", "Expires", expires, f"{moments.FORMS.capitalize()}.", expiry_check(now_micros, expires or "-")
        ),
    )


def new_key(values: Values, now_micros: int) -> CreateKey:
    """A key as it was filled in."""
    return CreateKey(
        name=values["name"],
        owner=values["owner"],
        note=values["note"],
        models=names_in(values["models"]),
        tags=names_in(values["tags"]),
        expires_at=moments.expiry(values["expires_at"], now_micros),
    )


def changed_key(key: KeyView, values: Values, now_micros: int) -> EditKey:
    """What was changed of a key; an expiry that was left alone stays as exact as it was."""
    kept = values["expires_at"] == moments.written(key.expires_at)
    expires_at = None if kept else moments.expiry(values["expires_at"], now_micros)
    return EditKey(
        id=key.id,
        name=values["name"],
        owner=values["owner"],
        note=values["note"],
        models=names_in(values["models"]),
        tags=names_in(values["tags"]),
        expires_at=expires_at,
        never_expires=not kept and expires_at is None,
    )
