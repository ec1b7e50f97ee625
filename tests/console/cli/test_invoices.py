"""An invoice from the command line."""

import time
from pathlib import Path

from commands import Commands, ask


def test_a_key_and_its_owner_are_billed_for_a_month(do: Commands, tmp_path: Path) -> None:
    do("price set demo 'demo-*' input=0 output=3")
    secret = do.json("key create ana --owner ops")["secret"]
    assert ask(do.url, secret, "[demo words 5]").status_code == 200
    month = time.strftime("%Y-%m", time.gmtime())
    made = do.json(f"invoice --key ana --month {month} --zone UTC")
    assert made["total_micros"] == made["booked_micros"] == 15
    do(f"invoice --owner ops --month {month} --zone UTC --to {tmp_path / 'bill.txt'}")
    assert "0.000015" in (tmp_path / "bill.txt").read_text()
    assert "0.000000" in do("invoice --key ana --month 2020-01")


def test_slips_are_told_at_their_option(do: Commands) -> None:
    for line, told in (
        ("--month 2026-11", "--key or --owner"),
        ("--key x --owner y --month 2026-11", "--key or --owner"),
        ("--owner y --month 2026-11 --zone Mars", "Europe/Berlin"),
        ("--owner y --month 11", "2026-11"),
    ):
        assert told in do.run(f"invoice {line}", status=2)[1]
