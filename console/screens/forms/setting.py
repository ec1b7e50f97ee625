"""The form of the settings: all of them, each as its type is filled in."""

from collections.abc import Sequence

from console.widgets.form import Field, Values
from gateway.setting_operations import SaveSetting, SettingView


def setting_fields(settings: Sequence[SettingView]) -> Sequence[Field]:
    """One for each, with what holds now. The gateway says what is wrong with a value."""
    return [
        Field(each.name, each.title, each.value, f"{each.about} Takes {each.allowed}.", choices=each.choices)
        for each in settings
    ]


def changed_settings(settings: Sequence[SettingView], values: Values) -> list[SaveSetting]:
    """What is to be saved of what was filled in; an empty field is as usual."""
    return [
        SaveSetting(setting.name, values[setting.name] or None)
        for setting in settings
        if values[setting.name] != setting.value
    ]
