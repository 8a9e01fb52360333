"""Schema 5: the queue is paused with its running runs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("queuecontrol", sa.Column("stopped_at", sa.DateTime()))
