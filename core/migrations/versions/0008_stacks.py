"""Schema 8: runs trained together as one stacked model. Those queued before have no key and are trained alone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("run", sa.Column("stack_key", sa.String()))
    op.add_column("run", sa.Column("stack_first", sa.Integer()))
    op.add_column("run", sa.Column("stack_size", sa.Integer()))
    op.create_index("run_stacks", "run", ["stack_key", "state"])
