"""Payments booked once, entries found by holder and exchange, and reversals that go on where they stopped."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("ledger_entries", sa.Column("once", sa.String(), nullable=True))
    op.add_column(
        "adjustments", sa.Column("reversed_through", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    for name, column, condition in (
        ("ledger_entries_of_key", "key_id", "key_id IS NOT NULL"),
        ("ledger_entries_of_owner", "owner", "owner != ''"),
        ("ledger_entries_adjusting", "exchange_id", "adjustment_id IS NOT NULL"),
    ):
        op.create_index(name, "ledger_entries", [column], unique=False, sqlite_where=sa.text(condition))
    once = sa.text("once IS NOT NULL")
    op.create_index("ledger_entries_paid_once", "ledger_entries", ["once"], unique=True, sqlite_where=once)
