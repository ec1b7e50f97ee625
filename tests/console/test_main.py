"""The `console` command from a shell: what it prints, what it refuses, and that each part loads only what it needs."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from commands import Commands, Person, ask
from shell import PATIENCE, Shell, until, window


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture
def served(shell: Shell) -> Iterator[Shell]:
    with shell.serving():
        yield shell


# --- what is loaded, and what is refused before anything is


def loaded_by(arguments: list[str]) -> set[str]:
    """The libraries that a command line loads."""
    code = (
        "import sys, atexit; sys.argv[1:] = sys.argv[1:]; atexit.register(lambda: print('\\n'.join(sys.modules)));"
        "from console.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return {module.partition(".")[0] for module in done.stdout.splitlines()}


def test_the_version_is_told_without_loading_anything_heavy() -> None:
    heavy = {"textual", "litestar", "sqlalchemy", "sqlmodel", "uvicorn", "cryptography", "tiktoken"}
    assert not heavy & loaded_by(["--version"])
    assert not heavy & loaded_by(["key", "list", "--help"])


def test_a_headless_process_loads_no_textual() -> None:
    code = "import sys, console.main, console.process, gateway.service, console.doctor; print('textual' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_serving_other_machines_in_the_clear_must_be_asked_for(shell: Shell) -> None:
    done = shell.run("serve", "--host", "0.0.0.0", status=2)  # noqa: S104
    assert "--plain-http-ok" in done.stderr
    assert not shell.directory.exists()


def test_without_a_terminal_the_console_points_to_serve(shell: Shell) -> None:
    assert "console serve" in shell.run(status=2).stderr


def test_attaching_where_no_gateway_runs_says_how_to_start_one(shell: Shell) -> None:
    with window(shell, "attach") as terminal:
        terminal.wait_for("start one with")
        assert terminal.process.wait(PATIENCE) == 2


def test_what_needs_a_running_gateway_says_so_in_one_line(shell: Shell) -> None:
    for command in (["tail"], ["exchange", "cut", "1"], ["exchange", "tap", "1"], ["stop"]):
        (line,) = shell.run(*command, status=1).stderr.splitlines()
        assert "needs one" in line


# --- two of them, and taken ports


def test_a_second_gateway_on_the_same_data_is_told_who_has_it(served: Shell) -> None:
    done = served.run("serve", "--port", "0", status=2)
    assert f"serving {served.url}" in done.stderr
    assert "console attach" in done.stderr


def test_a_taken_port_is_told_with_its_holder_and_a_free_one(served: Shell, tmp_path: Path) -> None:
    done = served.run("--data", str(tmp_path / "other"), "serve", status=2)
    assert f"Port {served.port}" in done.stderr
    assert "--port" in done.stderr


def test_commands_without_a_running_gateway_open_the_data_themselves(shell: Shell) -> None:
    shell.run("provider", "add", "demo")
    secret = shell.json("key", "create", "tests")["secret"]
    assert "not running" in shell.run("status").stdout
    with shell.serving():
        assert ask(shell.url, secret, "[demo words 2]").status_code == 200


# --- the commands, on a running gateway


def test_a_key_is_made_changed_switched_and_revoked(do: Commands) -> None:
    assert do("key create mobile --owner ann --expires 30d --model 'demo-*'").startswith("sk-gh-")
    do("key edit mobile --name phone --expires never --any-model")
    do("key disable phone")
    assert do.json("key list")[0]["state"] == "off"
    do("key enable phone")
    (key,) = do.json("key list")
    assert [key[each] for each in ("name", "owner", "state", "expires_at", "models")] == [
        "phone",
        "ann",
        "on",
        None,
        [],
    ]
    do(f"key revoke {key['public_id']}")
    assert "revoked" in do("key list")


def test_a_key_is_tagged_and_found_by_its_tags_and_owner(do: Commands) -> None:
    do("key create mobile --owner ann --tag prod --tag eu")
    do("key create laptop --tag prod")
    assert [key["name"] for key in do.json("key list --tag prod --tag eu")] == ["mobile"]
    assert [key["name"] for key in do.json("key list --owner ann")] == ["mobile"]
    assert "eu, new" in do("key tag laptop eu new")
    assert "no tag" in do("key tag laptop")
    assert "tags must be" in do.run("key tag laptop 'two words'", status=1)[1]


def test_a_key_gets_another_secret_and_the_old_one_works_for_a_while(do: Commands) -> None:
    old = do.json("key create mobile")["secret"]
    new = do("key rotate mobile --overlap 1h").strip()
    assert [ask(do.url, secret, "[demo words 2]").status_code for secret in (old, new)] == [200, 200]
    newest = do.json("key rotate mobile --overlap 0")["secret"]
    assert [ask(do.url, secret, "[demo words 2]").status_code for secret in (old, new, newest)] == [401, 401, 200]
    until(lambda: do.json("key list")[0]["last_used_at"], "its use")
    assert "no length of time" in do.run("key rotate mobile --overlap soon", status=2)[1]


def test_that_an_old_secret_was_used_is_told(do: Commands) -> None:
    old = do.json("key create mobile")["secret"]
    do("key rotate mobile")
    assert do.json("key list")[0]["old_last_used_at"] is None
    assert ask(do.url, old, "[demo words 2]").status_code == 200
    until(lambda: do.json("key list")[0]["old_last_used_at"], "the old secret's use")


def test_a_key_is_slowed_held_frozen_and_released(do: Commands) -> None:
    do("key create mobile")
    assert "slowed to 5 tokens/s, asks above $2.50" in do("key brake mobile --speed 5 --approve-above 2.50")
    assert "frozen" in do("key freeze mobile")
    assert "frozen" not in do("key unfreeze mobile")
    assert do.json("key hold mobile")["brake"] == {
        "tokens_per_second": 5,
        "hold": True,
        "approve_above_micros": 2_500_000,
    }
    assert "held" in do("key list")
    assert "no brake" in do("key release mobile")
    assert "tokens_per_second must be" in do.run("key brake mobile --speed -1", status=1)[1]
    assert "no sum of money" in do.run("key brake mobile --approve-above much", status=2)[1]


def test_whom_a_command_would_touch_can_be_asked_without_touching_anybody(do: Commands) -> None:
    do("key create mobile --owner ann")
    told = do.json("key revoke mobile --dry-run")
    assert (told["undoable"], told["running"], told["keys"]) == (False, 0, 0)
    assert "Touches nothing in use; cannot be undone." in do("key revoke mobile --dry-run")
    do("route add all '*' --to demo")
    lines = ("key disable mobile", "key rotate mobile", "provider disable demo", "provider remove demo")
    for line in (*lines, "route disable all", "route remove all", "owner remove ann", "undo"):
        assert "can be undone" in do(f"{line} --dry-run") or "rotate" in line
    assert do.json("key list")[0]["state"] == "on"
    assert "loses its only target" in do("provider remove demo --dry-run")
    assert len(do.json("route list")) == 1


def test_a_person_sees_whom_it_touches_and_is_asked_first(do: Commands) -> None:
    do("key create mobile")
    printed, shown = do.run("key revoke mobile", stdin=Person("n\n"), status=1)
    assert "Revoke key mobile for good?" in printed
    assert "cannot be undone" in shown
    assert do.json("key list")[0]["state"] == "on"
    do.run("key revoke mobile", stdin=Person("y\n"))
    assert do.json("key list")[0]["state"] == "revoked"


def test_an_owner_is_described_listed_and_forgotten(do: Commands) -> None:
    do("owner save team --note 'all of us'")
    do("key create mobile --owner ann")
    assert [(owner["name"], owner["keys"]) for owner in do.json("owner list")] == [("ann", 1), ("team", 0)]
    assert "all of us" in do("owner list")
    do("owner remove team")
    assert "still has mobile" in do.run("owner remove ann", status=1)[1]


def test_a_provider_that_fails_its_test_is_added_and_told(do: Commands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
    line = f"provider add openai --name mine --base-url {url} --key-stdin --model gpt-x"
    printed, _ = do.run(line, stdin="sk-upstream-1234\n", status=1)
    assert "FAILED" in printed
    assert [each["models"] for each in do.json("provider list") if each["name"] == "mine"] == [["gpt-x"]]
    assert "sk-upstream" not in do("provider list")


def test_a_provider_is_tested_changed_switched_and_removed(do: Commands) -> None:
    assert "ok" in do("provider test demo")
    assert "demo-1" in do("provider models demo")
    do("provider edit demo --name toy --weight 3 --allow-unpriced")
    do("provider disable toy")
    (toy,) = do.json("provider list")
    assert [toy[each] for each in ("name", "weight", "enabled", "unpriced")] == ["toy", 3, False, True]
    do("provider enable toy")
    do("provider remove toy")
    assert do.json("provider list") == []
    assert "openrouter" in do("provider presets")


def test_a_credential_can_come_from_a_variable_of_the_shell(do: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "sk-upstream-9876")
    do.run("provider add openai --base-url http://127.0.0.1:1/v1 --key-env MY_SECRET", status=1)
    assert "9876" in do("provider list")
    assert "MY_OTHER" in do.run("provider edit openai --key-env MY_OTHER", status=2)[1]


def test_routes_are_made_ordered_switched_and_explained(do: Commands) -> None:
    do("route add first 'gpt-*' --to demo,model=demo-1")
    do("route add second '*' --to demo,priority=2")
    do("route move second 1")
    assert [route["name"] for route in do.json("route list")] == ["second", "first"]
    do("route edit first --pattern 'gpt-5*,o3'")
    do("route disable second")
    assert "demo-1" in do("route explain gpt-5-mini")
    do("route enable second")
    do("route remove second")
    assert [route["pattern"] for route in do.json("route list")] == ["gpt-5*, o3"]


def test_an_alias_is_set_and_removed(do: Commands) -> None:
    do("alias set fast demo-1-mini")
    assert do.json("alias list") == [{"name": "fast", "model": "demo-1-mini"}]
    do("alias remove fast")
    assert do.json("alias list") == []


def test_a_setting_is_changed_and_made_usual_again(do: Commands) -> None:
    assert "fetch_media is now on." in do("setting set fetch_media on")
    assert '"value": "on"' in do("setting list --json")
    assert "fetch_media is now off." in do("setting reset fetch_media")


def test_a_price_is_set_and_taken_back(do: Commands) -> None:
    do("price set demo 'demo-*' input=1 output=2.5")
    assert "output $2.5" in do("price list")
    do("price remove demo 'demo-*'")
    assert "output $2.5" not in do("price list")


def test_what_was_done_is_listed_and_taken_back(do: Commands) -> None:
    do("alias set fast demo-1-mini")
    (act, *_) = do.json("acts")
    assert (act["text"], act["undoable"]) == ("fast now stands for demo-1-mini", True)
    assert act["actor"] in do("acts")
    assert do("undo") == "took back: fast now stands for demo-1-mini\n"
    assert do.json("alias list") == []
    assert "undone already" in do.run(f"undo {act['id']}", status=1)[1]


def test_status_events_and_snippets_are_told(do: Commands) -> None:
    assert do.url in do("status")
    assert isinstance(do.json("events"), list)
    assert "python-openai" in do("snippet")
    assert do.url in do("snippet curl --model my-model --key sk-mine")
    assert "my-model" in do("snippet curl --model my-model")


def test_what_cannot_be_found_is_one_line_and_exit_code_one(do: Commands) -> None:
    for line in ("key revoke nobody", "exchange show 99", "snippet cobol", "route move x 1", "provider test y"):
        printed, complaints = do.run(line, status=1)
        assert printed == ""
        assert len(complaints.splitlines()) == 1


def test_a_request_is_listed_shown_and_summed_up(do: Commands) -> None:
    secret = do.json("key create tests")["secret"]
    assert ask(do.url, secret, "[demo words 5] hello").status_code == 200
    (exchange,) = do.json("exchange list --key tests")
    assert exchange["request_id"] in do(f"exchange show {exchange['id']}")
    (row,) = do.json("usage --by key --since 1d")
    assert [row[each] for each in ("label", "requests", "output_tokens")] == ["tests", 1, 5]
    assert "demo-1" in do("usage --by model")


def test_tail_tells_of_requests_as_they_come(served: Shell) -> None:
    secret = served.new_key()
    with served.beginning("tail") as tail:
        until(lambda: ask(served.url, secret, "[demo words 2]").status_code == 200 and tail.speaks(), "news")
        line = tail.line()
    assert "demo-1" in line
    assert "tests" in line


def test_a_running_answer_can_be_tapped_and_cut(served: Shell) -> None:
    secret = served.new_key()
    body = {"model": "demo-1", "stream": True, "messages": [{"role": "user", "content": "[demo words 40000]"}]}
    headers = {"authorization": f"Bearer {secret}"}
    with httpx.stream("POST", f"{served.url}/v1/chat/completions", json=body, headers=headers, timeout=30) as response:
        pieces = response.iter_bytes()
        next(pieces)
        (exchange,) = served.json("exchange", "list", "--state", "running")
        with served.beginning("exchange", "tap", str(exchange["id"])) as tap:
            until(tap.speaks, "the answer's text")
            served.run("exchange", "cut", str(exchange["id"]))
            assert b'"error"' in b"".join(pieces)
            assert tap.ends()
    assert served.json("exchange", "show", str(exchange["id"]))["record"]["state"] == "cut"
