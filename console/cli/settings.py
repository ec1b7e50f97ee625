"""`console setting`: what holds for the gateway as a whole."""

from typing import Annotated

import typer

from console.cli.asking import asking
from console.cli.show import Json, show, table
from gateway.setting_operations import GetSettings, SaveSetting

app = typer.Typer(help="What holds for the gateway as a whole.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As in `console setting list`.")]


@app.command("list")
def list_settings(context: typer.Context, as_json: Json = False) -> None:
    """Every setting, and what holds now."""
    with asking(context) as ask:
        settings = ask(GetSettings())
    rows = [(each.name, each.value, each.usual, each.about) for each in settings]
    show(settings, as_json, table(("NAME", "NOW", "USUALLY", "WHAT"), rows))


@app.command("set")
def set_setting(context: typer.Context, name: Name, value: str, as_json: Json = False) -> None:
    """Have a value hold from now on."""
    _save(context, SaveSetting(name, value), as_json)


@app.command("reset")
def reset(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Have what is usual hold again."""
    _save(context, SaveSetting(name), as_json)


def _save(context: typer.Context, operation: SaveSetting, as_json: bool) -> None:
    with asking(context) as ask:
        now = ask(operation)
    show(now, as_json, f"{now.name} is now {now.value}.")
