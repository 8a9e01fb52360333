"""Schema 7: how often somebody has asked for more seeds after a verdict."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("experiment_id", sa.Integer(), sa.ForeignKey("experiment.id", ondelete="SET NULL")),
        sa.Column("group_hash", sa.String(), nullable=False),
        sa.Column("baseline_hash", sa.String(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    for name in ("experiment_id", "group_hash", "baseline_hash"):
        op.create_index(f"ix_look_{name}", "look", [name])
