"""Schema 12: one index for all lists of runs, and one of each experiment, in place of six of one column each."""

from alembic import op

revision = "0012"
down_revision = "0011"

# As core/tables.py had it then.
LISTED = [
    "deleted_at", "state", "architecture", "dataset", "experiment_id", "test_accuracy", "train_accuracy",
    "seconds_per_epoch", "seed", "name", "config_hash", "epochs", "epochs_done", "ended_at",
]  # fmt: skip


def upgrade() -> None:
    for column in ("state", "architecture", "dataset", "deleted_at", "test_accuracy", "experiment_id"):
        op.drop_index(f"ix_run_{column}", "run")
    op.create_index("run_listed", "run", LISTED)
    op.create_index("run_of_experiment", "run", ["experiment_id", "deleted_at", "config_hash"])
