"""Responses that clients may go on from, and their items."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "stored_responses",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("upstream_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.LargeBinary(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", "key_id"),
    )
    op.create_index("stored_responses_by_expiry", "stored_responses", ["expires_at"], unique=False)
    op.create_table(
        "stored_items",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=False),
        sa.Column("response_id", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id", "key_id"], ["stored_responses.id", "stored_responses.key_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "key_id"),
    )
    op.create_index("stored_items_by_response", "stored_items", ["response_id", "key_id"], unique=False)
