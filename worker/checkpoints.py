"""Checkpoints and weights as safetensors files: written whole or not at all, read only where the SHA-256 fits."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from core.durable import sync_folder
from core.records import WrittenFile

WEIGHTS_FILE = "weights.safetensors"


class CheckpointBroken(RuntimeError):
    """The file is missing or is not the one that was written."""


@dataclass(frozen=True)
class Checkpoint:
    """All that an attempt needs to go on: weights and optimizer state by name, and the epochs so far."""

    tensors: dict[str, torch.Tensor]
    history: list[dict[str, Any]]  # an entry per epoch: JSON of its figures and of its checkpoint's file name


def write_checkpoint(
    folder: Path, attempt: int, epoch: int, tensors: dict[str, torch.Tensor], history: list[dict[str, Any]]
) -> WrittenFile:
    """Writes `a<attempt>-e<epoch>.safetensors`; raises OSError (a full disk) and leaves nothing half made."""
    content = save(_on_cpu(tensors), metadata={"history": json.dumps(history)})
    return write_whole("checkpoint", folder, checkpoint_name(attempt, epoch), content, epoch)


def write_weights(folder: Path, tensors: dict[str, torch.Tensor], epoch: int) -> WrittenFile:
    """The result: weights alone and no metadata, so that equal weights are equal bytes."""
    return write_whole("weights", folder, WEIGHTS_FILE, save(_on_cpu(tensors)), epoch)


def checkpoint_name(attempt: int, epoch: int) -> str:
    return f"a{attempt}-e{epoch}.safetensors"


def read_checkpoint(file: Path, sha256: str | None = None) -> Checkpoint:
    """Raises CheckpointBroken where the file is missing or differs from `sha256`."""
    content = read_whole(file, sha256)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return Checkpoint(load(content), json.loads(header["__metadata__"]["history"]))


def read_weights(file: Path, sha256: str) -> dict[str, torch.Tensor]:
    """Of a file that write_weights made; raises CheckpointBroken."""
    weights: dict[str, torch.Tensor] = load(read_whole(file, sha256))
    return weights


def read_whole(file: Path, sha256: str | None = None) -> bytes:
    """The bytes that were written; raises CheckpointBroken."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CheckpointBroken(f"The checkpoint {file.name} cannot be read: {error.strerror}.") from error
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise CheckpointBroken(f"The checkpoint {file.name} is not the one that was written: its SHA-256 differs.")
    return content


def _on_cpu(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def write_whole(
    kind: str, folder: Path, name: str, content: bytes, epoch: int, facts: Mapping[str, float] | None = None
) -> WrittenFile:
    """Under a temporary name, fsync, rename, fsync of the folder: a power cut leaves the old file or the new."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.partial"
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(folder / name)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return WrittenFile(kind, name, hashlib.sha256(content).hexdigest(), len(content), epoch, facts)
