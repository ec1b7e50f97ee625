"""Who asks for what is being answered, and what is on record of it so far. Each answer has a context of its own."""

import os
import pwd
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from gateway.operations import Operation

ACTOR: ContextVar[str] = ContextVar("actor")
"""The user at the other end; ourselves where nothing else was said."""


class Asked:
    """One thing that an operator asked for, with all that is done on the way to its answer."""

    def __init__(self, actor: str) -> None:
        self.actor = actor
        self.kinds: list[type[Operation[Any]]] = []
        """What is carried out, that which others stand for included."""
        self.act: int | None = None
        """Its number on record, once something was changed."""
        self.undoes: int | None = None
        """The act that this takes back."""
        self.known_as: tuple[str, str] | None = None
        """The code and text it goes on record with, whatever is done for it."""


ASKED: ContextVar[Asked] = ContextVar("asked")


def asked() -> Asked:
    """What is being answered here."""
    return ASKED.get(None) or Asked(actor())


def actor() -> str:
    """Who asks."""
    return ACTOR.get(None) or user_name(os.getuid())


@lru_cache(maxsize=64)
def user_name(number: int) -> str:
    """What the system calls a user."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
