"""A provider's file beside our records, from the command line."""

import time
from pathlib import Path

from commands import Commands, ask


def test_a_file_is_compared_with_what_that_provider_did(do: Commands, tmp_path: Path) -> None:
    secret = do.json("key create ana")["secret"]
    assert ask(do.url, secret, "[demo words 5]").status_code == 200
    (row,) = do.json("usage --by model --since 1d")
    today, file = time.strftime("%Y-%m-%d", time.gmtime()), tmp_path / "theirs.csv"
    line = f"reconcile --upstream demo --from {file} --columns day=d,model=m,input=i,output=o"
    file.write_text(f"d,m,i,o\n{today},demo-1,{row['input_tokens']},5\n")
    assert "They agree." in do(line)
    file.write_text(f"d,m,i,o\n{today},demo-1,{row['input_tokens']},6\n{today},other,1,1\n")
    told, _ = do.run(line, status=1)
    assert "Only theirs: other" in told
    assert "differ" in told
    file.write_text(f"d,m,i,o\n{today},demo-1,x,6\n")
    _, complaint = do.run(line, status=2)
    assert "line 2: i is 'x'" in complaint
