"""Schema 6: a run that reproduces another, and what the weights were after each epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("run", sa.Column("reproduces_id", sa.Integer()))
    op.create_index("ix_run_reproduces_id", "run", ["reproduces_id"])
    op.create_table(
        "fingerprint",
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("epoch", sa.Integer(), primary_key=True),
        sa.Column("tensors", sa.JSON(), nullable=False),
    )
