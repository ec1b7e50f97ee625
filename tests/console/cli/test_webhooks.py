"""Webhooks from the command line."""

from commands import Commands


def test_a_webhook_is_added_tried_listed_and_removed(do: Commands) -> None:
    assert do("webhook add http://127.0.0.1:1/secret").startswith("whsec_")
    do.run("webhook add -", stdin="https://hooks.example.org/T0K3N\n")
    assert [each["url"] for each in do.json("webhook list")] == ["http://127.0.0.1:1/…", "https://hooks.example.org/…"]
    assert "not reached" in do.run("webhook test 1", status=1)[0]
    do("webhook remove 2")
    do.run("webhook remove 2", status=1)
    assert "must be an http" in do.run("webhook add ftp://x", status=1)[1]
    assert "hooks.example.org" not in do("webhook list")
