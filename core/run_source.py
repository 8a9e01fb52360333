"""Where a run starts, if not from scratch: with what another run left, named by what decides the result."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LARGEST_ID = 2**63 - 1  # of an SQLite rowid


class Source(BaseModel):
    """`mode` and `run_id` are asked for; the rest is filled in at launch, or must agree where it is given.

    `continue`: the run's last checkpoint, optimizer and all; what it trained is the new run's past. `weights`: the
    weights of its selected epoch, with a fresh optimizer, from epoch 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["continue", "weights"]
    run_id: int = Field(ge=1, le=LARGEST_ID, description="the run that left it", examples=[1])
    epoch: int | None = Field(None, ge=1, description="after which it was left")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of the checkpoint or weights file")
    config_hash: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="of the run that is continued: with epoch and seed its past"
    )

    def deciding(self) -> dict[str, str | int | None]:
        """What of it decides the result: the file, whichever run left it. A past follows from its config, its length
        and the seed, which is no part of a group: continued, the seeds of a group are a group again."""
        if self.mode == "continue":
            return {"mode": self.mode, "epoch": self.epoch, "config_hash": self.config_hash}
        return {"mode": self.mode, "sha256": self.sha256}


def source_words(mode: object, run_id: object, epoch: object) -> str:
    """After "starts from". Of a past no run is named: each seed of a group has its own."""
    return f"epoch {epoch}, continued" if mode == "continue" else f"the weights of run {run_id}"
