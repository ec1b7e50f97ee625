"""What an operator can ask and do about settings; more of `gateway.operations`."""

from msgspec import Struct

from gateway.operations import Operation


class SettingView(Struct, frozen=True):
    """What the operator may set, and what holds now."""

    name: str
    title: str
    about: str
    allowed: str
    """The values it takes, in words."""
    choices: tuple[str, ...]
    """Where only these can be chosen."""
    value: str
    """As it is read and written: `on`, `30`."""
    usual: str
    """What holds unless something else is set."""


class GetSettings(Operation[list[SettingView]], frozen=True):
    """All settings there are."""


class SaveSetting(Operation[SettingView], frozen=True):
    """Has a value hold from now on; without one, what usually holds."""

    name: str
    value: str | None = None
