"""Whether a route lets a provider's own search of the web take the place of another's."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("routes", sa.Column("web_search", sa.Boolean(), nullable=False, server_default=sa.false()))
