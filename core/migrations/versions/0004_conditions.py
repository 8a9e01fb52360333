"""Schema 4: what a run cost and under which conditions, and benchmarks: the same config and seed trained again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

PHASES = ("train", "evaluation", "checkpoint")


def upgrade() -> None:
    for phase in PHASES:
        op.add_column("run", sa.Column(f"{phase}_seconds_per_epoch", sa.Float()))
    means = ", ".join(
        f"{phase}_seconds_per_epoch = (SELECT avg({phase}_seconds) FROM epoch WHERE run_id = run.id)"
        for phase in PHASES
    )  # fmt: skip
    op.execute(f"UPDATE run SET {means}")
    for name in ("run_memory_bytes", "checkpoint_bytes", "batch_images", "most_runs_beside", "repeat"):
        op.add_column("run", sa.Column(name, sa.Integer()))
    for name in ("cores_busy_beside", "single_image_seconds", "batch_seconds"):
        op.add_column("run", sa.Column(name, sa.Float()))
    op.add_column("run", sa.Column("export_beside", sa.Boolean()))
    op.add_column("epoch", sa.Column("run_memory_bytes", sa.Integer()))
    op.add_column("epoch", sa.Column("cores_busy_beside", sa.Float()))
    op.add_column("worker", sa.Column("is_exporting", sa.Boolean(), nullable=False, server_default="0"))
    op.add_column("experiment", sa.Column("repeats", sa.Integer()))
