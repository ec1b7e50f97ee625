"""Settings: what holds, and what is to hold."""

from data.settings import put_setting, remove_setting
from gateway.answers.desk import Desk
from gateway.setting_operations import GetSettings, SaveSetting, SettingView
from gateway.settings import TABLE, Setting, Settings, checked, shown


async def get_settings(desk: Desk, _: GetSettings) -> list[SettingView]:
    """All of them, in the table's order."""
    return [view(setting, desk.runtime.snapshot.settings) for setting in TABLE.values()]


async def save_setting(desk: Desk, operation: SaveSetting) -> SettingView:
    """Have a value hold."""
    name, given = operation.name, operation.value
    value = checked(name, TABLE[name].usual if given is None and name in TABLE else given)
    async with desk.change() as change:
        if given is None:
            await remove_setting(change.session, name)
        else:
            await put_setting(change.session, name, value)
        change.told("setting_saved", f"set {name} to {shown(value)}")
    return view(TABLE[name], desk.runtime.snapshot.settings)


def view(setting: Setting, settings: Settings) -> SettingView:
    """A setting as the operator sees it."""
    return SettingView(
        name=setting.name,
        title=setting.title,
        about=setting.about,
        allowed=setting.allowed,
        choices=setting.choices,
        value=shown(getattr(settings, setting.name)),
        usual=shown(setting.usual),
    )
