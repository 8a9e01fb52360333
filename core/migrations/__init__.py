"""From an older database file to this version's tables, by alembic; one numbered step for each schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection, from_schema: int) -> None:
    """Every step after `from_schema`, within the transaction that `connection` is in."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.stamp(config, f"{from_schema:04d}")  # the file's user_version is what counts; alembic's table follows it
    command.upgrade(config, "head")
