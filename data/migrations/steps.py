"""Running Alembic without a configuration file. Apart, so that a start without migration loads none of it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

DIRECTORY = Path(__file__).parent


def upgrade(path: Path) -> None:
    """Apply all missing steps in one transaction: all of them happen, or none."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"isolation_level": None}
    )
    event.listen(engine, "connect", _defer_foreign_keys)
    event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """What Alembic needs to know."""
    config = Config()
    config.set_main_option("script_location", str(DIRECTORY).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _defer_foreign_keys(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    # A step may rebuild a table that others refer to.
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
