"""How a process that is in no hurry leaves the machine to those that train."""

import os
from contextlib import suppress
from pathlib import Path


def yield_to_others(niceness: int = 19) -> None:
    """19: the least share of a busy processor, a seventieth of what another has. Linux may group processes by session:
    then the group's nice counts too."""
    os.nice(niceness)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness))
