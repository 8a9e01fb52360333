"""Schema 1: the tables of the first half, which had no migrations. Files begin here; nothing leads to it."""

revision = "0001"
down_revision = None
