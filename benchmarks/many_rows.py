"""How lists, sums and the check of the ledger do on a record of millions: `python -m benchmarks.many_rows`.

Makes the database once, under --keep, as a gateway would have filled it over ninety days.
"""

import argparse
import asyncio
import sqlite3
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path

from data import migrations, usage
from data.audit import check
from data.database import Database, Session
from data.exchanges import Narrowing, page_exchanges
from data.ledger import entries

Question = Callable[[Session], Awaitable[object]]
DAYS = 90
DAY = 86_400_000_000
STATES = "CASE WHEN r % 50 = 0 THEN 'failed' WHEN r % 50 = 1 THEN 'client_left' ELSE 'done' END"
FILL = f"""
WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last),
diced AS MATERIALIZED (SELECT n, abs(random()) AS r, abs(random()) AS s FROM numbers),
keyed AS MATERIALIZED (SELECT *, (r / 64 % 40) * (s / 64 % 40) / 40 + 1 AS key FROM diced),
served AS MATERIALIZED (SELECT *, (key * 2 + s % 2) % 40 AS number FROM keyed),
drawn AS (SELECT *, 'model-' || number AS model, number % 6 + 1 AS upstream FROM served)
INSERT INTO exchanges (id, request_id, started_at, state, protocol, operation, path, stream, key_id, model_asked,
    model_served, route, upstream_id, upstream, http_status, error_code, error_message, finish, usage_source,
    input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, tool_prompt_tokens, output_tokens,
    reasoning_tokens, cost_micros, price_lines, first_token_us, duration_us, attempts, client, agent, request_headers,
    upstream_request_id, warnings, owner, reserved_micros)
SELECT n, 'req_' || lower(hex(randomblob(12))), :start + n * :step, {STATES}, 'openai_chat', 'chat',
    '/v1/chat/completions', 1, key, model, model, 'all',
    upstream, 'upstream-' || upstream, CASE WHEN r % 50 = 0 THEN 502 ELSE 200 END,
    CASE WHEN r % 50 = 0 THEN 'upstream_failed' ELSE '' END,
    CASE WHEN r % 50 = 0 THEN 'The upstream closed the connection before it had answered.' ELSE '' END, 'stop',
    'provider', r % 4000, 0, 0, 0, 0, s % 900, 0, r % 9000,
    '[{{"meter":"input","tokens":1000,"per_million":"2500000","amount":"2500","source":"genai-prices"}}]', 400000,
    4000000, 1, '10.0.0.7', 'OpenAI/Python 3.1.0', '{{"accept":"application/json","user-agent":"OpenAI/Python 3.1.0"}}',
    'req-' || n, '', 'team-' || (key % 5), 9000
FROM drawn
"""
RESERVED = """
INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, cost_micros,
    funded_micros, actor, note, currency)
SELECT started_at, 'reserve', id, key_id, owner, -9000, 9000, 0, 0, '', '', 'USD' FROM exchanges
"""
SETTLED = """
INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, cost_micros,
    funded_micros, actor, note, currency)
SELECT started_at, 'settle', id, key_id, owner, 9000 - cost_micros, -9000, cost_micros, 0, '', '', 'USD' FROM exchanges
"""
ACCOUNT = """
INSERT INTO accounts SELECT {holder}, sum(balance_micros), sum(reserved_micros), sum(cost_micros), sum(funded_micros)
FROM ledger_entries GROUP BY 1
"""
HOLDERS = ("'key:' || key_id", "'owner:' || owner", "'everyone'")
ATTEMPTS = """
INSERT INTO attempts SELECT id, 1, upstream_id, upstream, model_served, 10, 4000000, http_status, '', 'answered'
FROM exchanges
"""
AT_ONCE = 500_000


def make(path: Path, rows: int) -> None:
    """Fill a new database; triggers and indexes come afterwards, which is much faster and leads to the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    migrations.migrate(path)
    money = import_module("data.migrations.versions.0004_money")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        run = connection.execute
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        run("PRAGMA cache_size = -500000")
        kept = run(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql != ''"
        ).fetchall()
        for kind, name, _ in kept:
            run(f"DROP {kind} {name}")
        start = time.time_ns() // 1000 - DAYS * DAY
        for first in range(1, rows + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, rows)
            run(FILL, {"first": first, "last": last, "start": start, "step": DAYS * DAY // rows})
            print(f"{last:,} requests", flush=True)
        run(RESERVED)
        run(SETTLED)
        run(ATTEMPTS)
        for holder in HOLDERS:
            run(ACCOUNT.format(holder=holder))
        run(
            f"INSERT INTO usage_sums ({', '.join((*money.GROUP, *money.SUMS))}) "
            f"SELECT {money.group_of('e')}, {money.figures_of('e')} FROM exchanges e WHERE true "
            f"ON CONFLICT ({', '.join(money.GROUP)}) DO UPDATE SET {money._ADD_SUMS}"
        )
        for _, _, statement in kept:
            run(statement)
        run("ANALYZE")
        print(f"{path.stat().st_size / 1e9:.1f} GB", flush=True)


def questions(now: int) -> dict[str, Question]:
    """What consoles and commands ask, by name; those that find nothing are the hard ones."""
    pages = {
        "newest": Narrowing(),
        "of a key": Narrowing(key_id=5),
        "of an unknown key": Narrowing(key_id=999),
        "of an upstream": Narrowing(upstream_id=3),
        "of a model": Narrowing(model="odel-1"),
        "of an unknown model": Narrowing(model="nothing like it"),
        "failed": Narrowing(state="failed"),
        "running": Narrowing(state="running"),
        "of a day long ago": Narrowing(since=now - 60 * DAY, until=now - 59 * DAY),
        "that say something common": Narrowing(text="closed the connection"),
        "that say what none does": Narrowing(text="nothing like it"),
    }
    month = usage.Range(now - 30 * DAY, now)
    return {
        **{f"requests {name}": partial(page_exchanges, narrowing=narrowing) for name, narrowing in pages.items()},
        "entries of a key": partial(entries, holder="key:5"),
        "entries of everyone": partial(entries, holder="everyone"),
        "usage of today by key": partial(usage.key_activity, today=now - now % DAY, now=now),
        "usage of a month by model and day": partial(usage.sum_usage, span=month, by="model", every="day"),
    }


async def ask(path: Path, rounds: int) -> None:
    """Time every question, then a check of the whole ledger."""
    database = Database(path)
    await database.open()
    for name, question in questions(time.time_ns() // 1000).items():
        taken = []
        for _ in range(rounds):
            async with database.read() as session:
                begun = time.perf_counter()
                await question(session)
                taken.append(time.perf_counter() - begun)
        print(f"{name:40} {statistics.median(taken) * 1000:9.1f} ms, at most {max(taken) * 1000:9.1f} ms", flush=True)
    begun = time.perf_counter()
    found = await check(database)
    print(f"{'check of the whole ledger':40} {time.perf_counter() - begun:9.1f} s, {len(found.findings)} findings")
    await database.close()


def main() -> None:
    """Make the database unless it is there, then ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, default=Path("/tmp/gatehouse-many-rows"), help="where it is made")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    path = arguments.keep / "gatehouse.db"
    if not path.exists():
        make(path, arguments.rows)
    asyncio.run(ask(path, arguments.rounds))


if __name__ == "__main__":
    main()
