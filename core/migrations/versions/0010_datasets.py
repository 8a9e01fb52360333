"""Schema 10: datasets that were imported, and the tasks that import or fetch one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


STATES = ("QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")


def upgrade() -> None:
    op.create_table(
        "importeddataset",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("image_shape", sa.JSON(), nullable=False),
        sa.Column("num_train", sa.Integer(), nullable=False),
        sa.Column("num_test", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("std", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime()),
    )
    op.create_table(
        "datasettask",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="runstate"), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("fraction", sa.Float()),
        sa.Column("reason", sa.String()),
        sa.Column("suggestion", sa.String()),
        sa.Column("bad_files", sa.JSON(), nullable=False),
        sa.Column("num_bad_files", sa.Integer(), nullable=False),
        sa.Column("worker_id", sa.Integer(), sa.ForeignKey("worker.id")),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_datasettask_dataset", "datasettask", ["dataset"])
    op.create_index("ix_datasettask_state", "datasettask", ["state"])
