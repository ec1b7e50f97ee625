"""The keys: created once, changed, turned off and revoked, always by keys."""

import stat
from functools import partial
from pathlib import Path

import pytest
from house import open_house
from msgspec.structs import replace
from textual.widgets import Input

from console.app import ConsoleApp
from console.screens.snippets import CreatedScreen, file_name
from console.widgets.confirm import GRACE
from console.widgets.form import Form
from gateway.accounting import GetBlastRadius
from gateway.errors import BadRequest
from gateway.events import ConfigurationChanged
from gateway.operations import (
    CreateKey,
    Done,
    EditKey,
    GetSnippets,
    GetUsage,
    KeyCreated,
    ListKeys,
    ListUpstreams,
    RevokeKey,
    SetKeyEnabled,
    Snippet,
)
from tests.console.direct import console_on, seen, typed
from tests.console.money import radius
from tests.console.scripted import NOW, ScriptedLink, exchange, key, shown

SECRET = "sk-gh-4hT9wQmZ0b7Lr2XyPq8sVn3KdJ6c"
LATELY = int((NOW - 5) * 1_000_000)


@pytest.fixture
def link() -> ScriptedLink:
    """Three keys: one in use, one never used, one revoked."""
    link = ScriptedLink()
    used = replace(
        key(1, "web-prod"), last_used_at=LATELY, running=6, requests_today=18_204, cost_today_micros=8_440_000
    )
    link.keys = [used, key(2, "batch"), replace(key(3, "contractor"), state="revoked")]
    link.answers[CreateKey] = lambda op: KeyCreated(key(9, op.name), SECRET)
    link.answers[EditKey] = lambda op: key(op.id, op.name)
    link.answers[ListUpstreams] = lambda op: []
    link.answers[GetSnippets] = lambda op: [
        Snippet("curl", "curl", "shell", f"curl -H 'x-api-key: {op.secret or 'YOUR_KEY'}'"),
        Snippet("env", "environment", "shell", f"export OPENAI_API_KEY={op.secret or 'YOUR_KEY'}"),
    ]
    link.answers[SetKeyEnabled] = lambda op: replace(key(op.id, "web-prod"), state="on" if op.enabled else "off")
    link.answers[RevokeKey] = lambda op: Done("revoked key web-prod, cut 6 running answers")
    link.answers[GetUsage] = lambda op: []
    return link


def kept_in(copied: list[str], text: str) -> str:
    """A clipboard that can be looked at."""
    copied.append(text)
    return "tmux"


async def test_the_list_shows_keys_that_work_before_those_that_were_revoked(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        lines = (await seen(pilot, "web-prod")).splitlines()
        assert [line.split()[0] for line in lines[3:6]] == ["batch", "web-prod", "contractor"]
        assert "18k" in lines[4]
        assert "$8.44" in lines[4]
        assert "■ revoked" in lines[5]


async def test_a_new_key_is_shown_once_and_can_be_copied(app: ConsoleApp, link: ScriptedLink) -> None:
    copied: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        app.session.copy = partial(kept_in, copied)
        await pilot.press("2", "n")
        await typed(pilot, "mobile")
        await pilot.press("enter")
        await seen(pilot, SECRET)
        await pilot.press("c")
        await seen(pilot, "key sent to the clipboard (tmux)")
        await pilot.press("escape")
        await pilot.pause()
        assert copied == [SECRET]
        assert SECRET not in shown(app)


async def test_a_form_is_sent_with_what_was_filled_in(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        for text in ("mobile", "team a", "prod, app", "for the app", "gpt-*, claude-*", "30d"):
            await typed(pilot, text.replace(",", ""))
            await pilot.press("tab")
        await pilot.press("enter")
        await seen(pilot, SECRET)
        thirty_days = int((NOW + 30 * 86_400) * 1_000_000)
        assert link.asked_for(CreateKey) == [
            CreateKey("mobile", "team a", "for the app", ["gpt-*", "claude-*"], thirty_days, ["prod", "app"])
        ]


async def test_what_is_wrong_with_a_field_is_told_below_it_and_nothing_is_sent(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n", "enter")
        assert "A name is needed." in await seen(pilot, "A name is needed.")
        await typed(pilot, "mobile")
        await pilot.press("up", "up")
        await typed(pilot, "soon")
        await pilot.press("enter")
        await seen(pilot, "This is no time")
        assert "A name is needed." not in shown(app)
        assert link.asked_for(CreateKey) == []


async def test_a_refusal_is_told_at_the_field_it_is_about_and_what_was_typed_stays(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    def refuse(operation: CreateKey) -> None:
        raise BadRequest("name must be another one: there is a key batch already.", param="name")

    link.answers[CreateKey] = refuse
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await typed(pilot, "batch")
        await pilot.press("enter")
        lines = (await seen(pilot, "there is a key batch already")).splitlines()
        below = next(y for y, line in enumerate(lines) if "there is a key batch already" in line)
        assert "Name" in lines[below - 1]
        assert isinstance(app.focused, Input)
        assert app.focused.value == "batch"


async def test_a_refusal_about_nothing_in_particular_is_told_at_the_end(app: ConsoleApp, link: ScriptedLink) -> None:
    del link.answers[CreateKey]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await typed(pilot, "mobile")
        await pilot.press("enter")
        await seen(pilot, "no script for CreateKey")
        assert isinstance(app.screen, Form)


async def test_one_escape_does_not_forget_a_secret_that_was_kept_nowhere(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "n")
        await typed(pilot, "mobile")
        await pilot.press("enter")
        await seen(pilot, SECRET)
        await pilot.press("escape")
        await seen(pilot, "Esc again forgets it for good")
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, CreatedScreen)


async def test_the_secret_can_be_written_to_a_file_for_its_owner_alone(
    app: ConsoleApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("2", "n")
        await typed(pilot, "mobile")
        await pilot.press("enter")
        await seen(pilot, SECRET)
        await pilot.press("w")
        await seen(pilot, "written with mode 0600")
        await pilot.press("w")
        await seen(pilot, "is there already and was left alone")
    written = tmp_path / "mobile.env"
    assert written.read_text() == f"export OPENAI_API_KEY={SECRET}\n"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_key_name_never_leads_a_file_out_of_the_directory() -> None:
    assert file_name("../../etc/passwd") == "etc-passwd.env"
    assert file_name("...") == "key.env"


async def test_an_edit_leaves_the_expiry_alone_unless_it_was_typed(app: ConsoleApp, link: ScriptedLink) -> None:
    link.keys[1] = replace(link.keys[1], expires_at=int((NOW + 86_400) * 1_000_000) + 123)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("e")
        await typed(pilot, "2")
        await pilot.press("enter")
        await seen(pilot, "changed key batch2")
        edit = link.asked_for(EditKey)[0]
        assert isinstance(edit, EditKey)
        assert (edit.expires_at, edit.never_expires) == (None, False)


async def test_a_key_that_nobody_uses_is_turned_off_at_once_and_one_in_use_after_saying_whom_it_touches(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    link.answers[GetBlastRadius] = lambda op: radius(sentences=["6 answers are cut."])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("d")
        await seen(pilot, "is off: requests with it are refused; d turns it on again")
        await pilot.press("j", "d")
        await seen(pilot, "! touches 6 running answers, 1 key, $3.02/h   z undoes it")
        await pilot.pause(GRACE + 0.05)
        await pilot.press("y")
        await pilot.pause()
        assert link.asked_for(SetKeyEnabled) == [SetKeyEnabled(2, False), SetKeyEnabled(1, False)]
        assert link.asked_for(GetBlastRadius) == [GetBlastRadius("SetKeyEnabled", '{"id":1,"enabled":false}')]


async def test_revoking_a_key_in_use_wants_its_name_typed_and_enter_never_does_it(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("j", "x")
        picture = await seen(pilot, "6 answers are running on it now and would be cut.")
        assert picture.index("disable") < picture.index("to revoke it for good")
        await pilot.pause(0.2)
        await pilot.press("enter", "y", "tab")
        await typed(pilot, "web-prod")
        await pilot.press("enter")
        assert link.asked_for(RevokeKey) == []
        await pilot.press("y")
        await seen(pilot, "cut 6 running answers")
        assert link.asked_for(RevokeKey) == [RevokeKey(1)]


async def test_the_milder_way_is_one_letter_in_the_question_about_revoking(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("j", "x")
        await seen(pilot, "Revoke this key?")
        await pilot.pause(0.2)
        await pilot.press("d")
        await seen(pilot, "web-prod is off")
        assert link.asked_for(RevokeKey) == []


async def test_nothing_can_be_done_with_a_revoked_key_and_the_message_says_why(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("G", "x")
        await seen(pilot, "contractor was revoked for good")
        assert link.asked_for(RevokeKey) == []


async def test_snippets_for_a_key_hold_a_placeholder_and_turn_with_tab(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("y")
        await seen(pilot, "curl -H 'x-api-key: YOUR_KEY'")
        await pilot.press("tab")
        await seen(pilot, "export OPENAI_API_KEY=YOUR_KEY")


async def test_a_name_that_looks_like_markup_or_an_escape_code_is_shown_as_it_is(
    app: ConsoleApp, link: ScriptedLink
) -> None:
    link.keys = [key(1, "[bold]\x1b]0;evil\a"), key(2, "web-prod")]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("e")
        picture = await seen(pilot, "Key [bold]␛]0;evil␇")
        assert "\x1b" not in picture


async def test_the_list_is_filtered_by_the_same_grammar_as_the_live_requests(app: ConsoleApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "slash")
        await typed(pilot, "state:revoked")
        picture = await seen(pilot, "1 of 3")
        assert "web-prod" not in picture


async def test_enter_shows_the_requests_of_a_key_and_no_others(app: ConsoleApp, link: ScriptedLink) -> None:
    link.exchanges = [exchange(1, key_id=1, model_served="mine"), exchange(2, key_id=2, model_served="others")]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        await pilot.press("j", "enter")
        picture = await seen(pilot, "1 request")
        assert "mine" in picture
        assert "others" not in picture


async def test_news_of_another_operator_s_change_reloads_the_list(app: ConsoleApp, link: ScriptedLink) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        await seen(pilot, "web-prod")
        link.keys.append(key(4, "added-elsewhere"))
        link.news.append(ConfigurationChanged("keys"))
        app.poll()
        await seen(pilot, "added-elsewhere")


async def test_on_a_real_gateway_a_key_is_created_used_turned_off_and_revoked(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, console_on(house.service) as pilot:
        await pilot.press("2", "n")
        await typed(pilot, "mobile")
        await pilot.press("enter")
        await seen(pilot, "Shown once.")
        await pilot.press("escape", "escape")
        await seen(pilot, "● on")
        await pilot.press("d")
        await seen(pilot, "○ off")
        await pilot.press("x")
        await seen(pilot, "It was never used.")
        await pilot.pause(0.2)
        await pilot.press("y")
        await seen(pilot, "■ revoked")
        states = {found.name: found.state for found in await house.service.ask(ListKeys())}
        assert states == {"mobile": "revoked", "tests": "on"}
