"""Double entry, accounts, limits, owners, sums of usage that outlast exchanges, and the record of operators' acts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

AMOUNTS = ("balance_micros", "reserved_micros", "cost_micros", "funded_micros")

_ADD_AMOUNTS = ", ".join(f"{amount} = {amount} + excluded.{amount}" for amount in AMOUNTS)
BOOK = f"""
CREATE TRIGGER ledger_entries_booked AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO accounts (holder, {", ".join(AMOUNTS)})
    SELECT holder, {", ".join(f"NEW.{amount}" for amount in AMOUNTS)} FROM (
        SELECT 'key:' || NEW.key_id AS holder WHERE NEW.key_id IS NOT NULL
        UNION ALL SELECT 'owner:' || NEW.owner
            WHERE NEW.owner != '' AND (NEW.exchange_id IS NOT NULL OR NEW.key_id IS NULL)
        UNION ALL SELECT 'everyone'
            WHERE NEW.exchange_id IS NOT NULL OR (NEW.key_id IS NULL AND NEW.owner = '')
    ) WHERE true
    ON CONFLICT (holder) DO UPDATE SET {_ADD_AMOUNTS};
END
"""  # noqa: S608

QUARTER = 900_000_000
GROUP = ("quarter", "key_id", "owner", "model", "upstream", "upstream_id", "route")
SUMS = (
    "requests",
    "errors",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_micros",
    "unpriced",
)
_ADD_SUMS = ", ".join(f"{column} = {column} + excluded.{column}" for column in SUMS)


def sum_up(row: str, change: str) -> str:
    """The statement that adds an exchange's figures to the sums; `change` gives the figures."""
    return f"""
    INSERT INTO usage_sums ({", ".join(GROUP)}, {", ".join(SUMS)})
    SELECT {group_of(row)}, {change} WHERE true
    ON CONFLICT ({", ".join(GROUP)}) DO UPDATE SET {_ADD_SUMS};
    """


def group_of(row: str) -> str:
    """Where an exchange belongs."""
    return (
        f"{row}.started_at - {row}.started_at % {QUARTER}, coalesce({row}.key_id, 0), {row}.owner, "
        f"CASE WHEN {row}.model_served != '' THEN {row}.model_served ELSE {row}.model_asked END, "
        f"{row}.upstream, coalesce({row}.upstream_id, 0), {row}.route"
    )


def figures_of(row: str) -> str:
    """What an exchange adds."""
    return (
        f"1, {row}.state IN ('failed', 'interrupted'), {row}.input_tokens + {row}.tool_prompt_tokens, "
        f"{row}.cache_read_tokens, {row}.cache_write_5m_tokens + {row}.cache_write_1h_tokens, "
        f"{row}.output_tokens + {row}.reasoning_tokens, {row}.reasoning_tokens, coalesce({row}.cost_micros, 0), "
        f"{unpriced(row)}"
    )


def unpriced(row: str) -> str:
    """Whether it used something that has no price."""
    return (
        f"({row}.cost_micros IS NULL AND {row}.input_tokens + {row}.cache_read_tokens + {row}.cache_write_5m_tokens "
        f"+ {row}.cache_write_1h_tokens + {row}.tool_prompt_tokens + {row}.output_tokens + {row}.reasoning_tokens > 0)"
    )


CORRECTION = (
    "0, 0, 0, 0, 0, 0, 0, coalesce(NEW.cost_micros, 0) - coalesce(OLD.cost_micros, 0), "
    f"{unpriced('NEW')} - {unpriced('OLD')}"
)
TRIGGERS = (
    BOOK,
    "CREATE TRIGGER exchanges_ended_at_once AFTER INSERT ON exchanges WHEN NEW.state != 'running' BEGIN "
    f"{sum_up('NEW', figures_of('NEW'))} END",
    "CREATE TRIGGER exchanges_ended AFTER UPDATE ON exchanges "
    f"WHEN OLD.state = 'running' AND NEW.state != 'running' BEGIN {sum_up('NEW', figures_of('NEW'))} END",
    "CREATE TRIGGER exchanges_repriced AFTER UPDATE OF cost_micros ON exchanges "
    f"WHEN OLD.state != 'running' BEGIN {sum_up('NEW', CORRECTION)} END",
)


def upgrade() -> None:
    extend_tables()
    create_owners_and_acts()
    create_accounts()
    create_adjustments()
    create_sums()
    replace_ledger()
    for trigger in TRIGGERS:
        op.execute(trigger)
    carry_over()


def extend_tables() -> None:
    op.add_column("upstreams", sa.Column("unpriced", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    for column in (
        sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("limits", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("brake", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("old_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("old_valid_until", sa.BigInteger(), nullable=True),
        sa.Column("old_last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("capture_until", sa.BigInteger(), nullable=True),
        sa.Column("capture_left", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("capture_hours", sa.Integer(), nullable=False, server_default=sa.text("24")),
    ):
        op.add_column("keys", column)
    op.add_column("exchanges", sa.Column("owner", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column(
        "exchanges", sa.Column("reserved_micros", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )


def create_owners_and_acts() -> None:
    op.create_table(
        "owners",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "acts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("undo", sa.String(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("acts_by_time", "acts", ["at"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "captures",
        sa.Column("exchange_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("exchange_id"),
    )
    op.create_index("captures_by_expiry", "captures", ["expires_at"], unique=False)


def create_accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("holder", sa.String(), nullable=False),
        *(sa.Column(amount, sa.BigInteger(), nullable=False) for amount in AMOUNTS),
        sa.PrimaryKeyConstraint("holder"),
        sqlite_with_rowid=False,
    )


def create_adjustments() -> None:
    op.create_table(
        "adjustments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("exchanges", sa.Integer(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("reversed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "adjusted_exchanges",
        sa.Column("adjustment_id", sa.Integer(), nullable=False),
        sa.Column("exchange_id", sa.BigInteger(), nullable=False),
        sa.Column("before_micros", sa.BigInteger(), nullable=True),
        sa.Column("after_micros", sa.BigInteger(), nullable=True),
        sa.Column("before_lines", sa.String(), nullable=False),
        sa.Column("after_lines", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("adjustment_id", "exchange_id"),
        sqlite_with_rowid=False,
    )


def create_sums() -> None:
    op.create_table(
        "usage_sums",
        sa.Column("quarter", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("upstream", sa.String(), nullable=False),
        sa.Column("upstream_id", sa.Integer(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        *(sa.Column(column, sa.BigInteger(), nullable=False) for column in SUMS[2:8]),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*GROUP),
        sqlite_with_rowid=False,
    )
    op.create_index("usage_sums_by_key", "usage_sums", ["key_id", "quarter"], unique=False)


def replace_ledger() -> None:
    op.drop_index("ix_ledger_entries_key_id", "ledger_entries")
    op.rename_table("ledger_entries", "charges_before_0004")
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("exchange_id", sa.BigInteger(), nullable=True),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        *(sa.Column(amount, sa.BigInteger(), nullable=False) for amount in AMOUNTS),
        sa.Column("adjustment_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.CheckConstraint(f"{' + '.join(AMOUNTS)} = 0", name="ledger_balances"),
        sa.PrimaryKeyConstraint("id"),
    )
    once = sa.text("kind IN ('reserve', 'settle')")
    op.create_index("ledger_entries_once", "ledger_entries", ["exchange_id", "kind"], unique=True, sqlite_where=once)
    op.create_index("ledger_entries_by_key", "ledger_entries", ["key_id", "at"], unique=False)
    adjusted = sa.text("adjustment_id IS NOT NULL")
    op.create_index("ledger_entries_by_adjustment", "ledger_entries", ["adjustment_id"], sqlite_where=adjusted)


def carry_over() -> None:
    """What was charged before becomes entries; what had ended before is summed up."""
    op.execute(
        "INSERT INTO ledger_entries (at, kind, exchange_id, key_id, owner, balance_micros, reserved_micros, "
        "cost_micros, funded_micros, actor, note, currency) "
        "SELECT coalesce(e.started_at, c.at), 'settle', c.exchange_id, c.key_id, '', -c.amount_micros, 0, "
        "c.amount_micros, 0, '', '', c.currency "
        "FROM charges_before_0004 c LEFT JOIN exchanges e ON e.id = c.exchange_id ORDER BY c.id"
    )
    op.drop_table("charges_before_0004")
    op.execute(
        f"INSERT INTO usage_sums ({', '.join(GROUP)}, {', '.join(SUMS)}) "  # noqa: S608
        f"SELECT {group_of('e')}, {figures_of('e')} FROM exchanges e WHERE e.state != 'running' "
        f"ON CONFLICT ({', '.join(GROUP)}) DO UPDATE SET {_ADD_SUMS}"
    )
