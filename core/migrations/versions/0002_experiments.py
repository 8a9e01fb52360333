"""Schema 2: experiments, tags, notes, the bin."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("base", sa.JSON(), nullable=False),
        sa.Column("grid", sa.JSON(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("notes", sa.String(), nullable=False, server_default=""),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "runtag",
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(), primary_key=True),
    )
    op.create_index("ix_runtag_tag", "runtag", ["tag"])
    # In SQL: alembic would make the table anew for a foreign key, and that cascades to the epochs.
    op.execute("ALTER TABLE run ADD COLUMN experiment_id INTEGER REFERENCES experiment (id)")
    op.add_column("run", sa.Column("notes", sa.String(), nullable=False, server_default=""))
    op.add_column("run", sa.Column("deleted_at", sa.DateTime()))
    op.create_index("ix_run_experiment_id", "run", ["experiment_id"])
    op.create_index("ix_run_deleted_at", "run", ["deleted_at"])
    op.execute("ALTER TABLE idempotencykey RENAME COLUMN run_id TO made_id")
