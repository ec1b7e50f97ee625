"""Indexes by which a page of exchanges is found among millions, newest first."""

from alembic import op

revision = "0009"
down_revision = "0008"

FOUND_BY = {"key": "key_id", "upstream": "upstream_id", "model_asked": "model_asked", "model_served": "model_served"}


def upgrade() -> None:
    op.drop_index("exchanges_by_key", "exchanges")
    for name, column in FOUND_BY.items():
        op.create_index(f"exchanges_by_{name}", "exchanges", [column], unique=False)
