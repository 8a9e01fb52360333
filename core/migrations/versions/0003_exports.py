"""Schema 3: exports, and what was found out about a file."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("artifact", sa.Column("facts", sa.JSON()))
    op.add_column("run", sa.Column("export_tries_left", sa.Integer(), nullable=False, server_default="3"))
    op.create_index("run_exports_due", "run", ["state", "export_tries_left"])
