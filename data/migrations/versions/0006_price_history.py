"""Prices that the operator set stay when they are replaced; lists that were taken on; usage in more detail."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    keep_replaced_prices()
    op.create_table(
        "price_lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("exchanges", sa.Column("usage_details", sa.String(), nullable=False, server_default=sa.text("''")))


def keep_replaced_prices() -> None:
    """SQLite cannot drop what makes a provider's pattern unique, so the table is made anew."""
    op.rename_table("price_overrides", "old_price_overrides")
    op.create_table(
        "price_overrides",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO price_overrides (id, provider_id, model, prices, set_at, since) "
        "SELECT id, provider_id, model, prices, set_at, set_at FROM old_price_overrides"
    )
    op.drop_table("old_price_overrides")
