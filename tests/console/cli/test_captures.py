"""Keeping what a key's requests say, from the command line."""

from commands import Commands, Person, ask


def capture_one(do: Commands, prompt: str) -> int:
    """What a request with this prompt says is kept; its number."""
    secret = do("key create mobile").strip()
    do("key capture mobile --requests 1 --minutes 5 --keep-hours 2")
    assert "on, capture" in do("key list")
    assert ask(do.url, secret, prompt).status_code == 200
    return int(do.json("exchange list")[0]["id"])


def test_a_capture_is_started_looked_at_and_wiped(do: Commands) -> None:
    number = capture_one(do, "what is kept")
    printed, complaints = do.run(f"exchange capture {number}")
    assert "REQUEST\n{" in printed
    assert '"content": "what is kept"' in printed
    assert "ANSWER\n{" in printed
    assert "this look is on record" in complaints
    kept = do.json(f"exchange capture {number}")
    assert (kept["exchange_id"], "what is kept" in kept["request"]) == (number, True)
    assert "deleted what was kept of 1 requests of key mobile" in do("key capture mobile --wipe")
    assert "Nothing is kept" in do.run(f"exchange capture {number}", status=1)[1]


def test_what_was_said_is_inert_in_the_terminal(do: Commands) -> None:
    number = capture_one(do, "\u202e\x9b2J canary")
    for line in (f"exchange capture {number}", f"exchange capture {number} --json"):
        printed = do(line)
        assert "canary" in printed
        assert all(character.isprintable() or character == "\n" for character in printed)


def test_a_capture_is_stopped_and_a_dry_run_or_a_no_starts_none(do: Commands) -> None:
    do("key create mobile")
    assert "What its next 20 requests" in do("key capture mobile --dry-run")
    do.run("key capture mobile", stdin=Person("n\n"), status=1)
    assert do.json("key list")[0]["capture_left"] == 0
    assert "its next 3 requests and their answers say is kept" in do("key capture mobile --requests 3")
    assert "no more of what its requests say is kept" in do("key capture mobile --stop")
    assert "on, capture" not in do("key list")
    assert do.json("key capture mobile --stop")["capture_left"] == 0


def test_what_cannot_be_is_refused(do: Commands) -> None:
    do("key create mobile")
    do.run("key capture mobile --stop --wipe", status=2)
    assert "requests must be" in do.run("key capture mobile --requests 0", status=1)[1]
    assert "Nothing is kept" in do.run("exchange capture 99", status=1)[1]
