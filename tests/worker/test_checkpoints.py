"""Checkpoints come back as they were written, or not at all."""

import errno
import hashlib
import io
import json
from pathlib import Path

import pytest
import torch

from worker.checkpoints import CheckpointBroken, read_checkpoint, write_checkpoint, write_weights

HISTORY = [{"epoch": 1, "val_loss": 0.5, "val_accuracy": 0.75, "file_name": "a1-e1.safetensors"}]


def tensors() -> dict[str, torch.Tensor]:
    return {
        "0.weight": torch.linspace(-1, 1, 12).view(3, 4).t(),  # not contiguous
        "1.num_batches_tracked": torch.tensor(7),
        "optimizer.0.step": torch.tensor(3.0),
        "optimizer.0.exp_avg": torch.tensor([float("nan"), -0.0, float("inf")]),
    }


class FullDisk(io.FileIO):
    """A file that takes half of what it is given, and then there is no space left."""

    def write(self, content: object) -> int:
        assert isinstance(content, bytes)
        super().write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


def header_and_body(content: bytes) -> tuple[dict[str, dict[str, object]], bytes]:
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path / "5", 2, 1, tensors(), HISTORY)
    content = (tmp_path / "5" / file.file_name).read_bytes()
    assert (file.kind, file.file_name, file.epoch) == ("checkpoint", "a2-e1.safetensors", 1)
    assert (file.num_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())

    checkpoint = read_checkpoint(tmp_path / "5" / file.file_name, file.sha256)
    assert checkpoint.history == HISTORY
    assert checkpoint.tensors.keys() == tensors().keys()
    for name, tensor in tensors().items():
        found = checkpoint.tensors[name]
        assert (found.dtype, found.shape) == (tensor.dtype, tensor.shape)
        assert found.numpy().tobytes() == tensor.contiguous().numpy().tobytes()


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    file = write_checkpoint(tmp_path, 1, 1, tensors(), HISTORY)
    content = bytearray((tmp_path / file.file_name).read_bytes())
    content[-1] ^= 1
    (tmp_path / file.file_name).write_bytes(content)
    with pytest.raises(CheckpointBroken, match=r"a1-e1\.safetensors is not the one that was written"):
        read_checkpoint(tmp_path / file.file_name, file.sha256)


def test_a_missing_file_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointBroken, match=r"a1-e9\.safetensors cannot be read: No such file"):
        read_checkpoint(tmp_path / "a1-e9.safetensors", "0" * 64)


def test_a_full_disk_leaves_the_old_file_whole_and_no_partial_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write_checkpoint(tmp_path, 1, 1, tensors(), HISTORY)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda path, mode: FullDisk(path, mode))
        for epoch in (1, 2):
            with pytest.raises(OSError, match="No space left"):
                write_checkpoint(tmp_path, 1, epoch, {"0.weight": torch.zeros(100)}, [])
    assert [file.name for file in tmp_path.iterdir()] == [old.file_name]
    assert read_checkpoint(tmp_path / old.file_name, old.sha256).history == HISTORY


def test_equal_weights_are_equal_bytes(tmp_path: Path) -> None:
    backwards = dict(reversed(tensors().items()))
    first, second = write_weights(tmp_path / "1", tensors(), 3), write_weights(tmp_path / "2", backwards, 3)
    assert first == second
    assert (tmp_path / "1" / first.file_name).read_bytes() == (tmp_path / "2" / second.file_name).read_bytes()
    other = write_weights(tmp_path / "3", tensors() | {"0.weight": torch.zeros(4, 3)}, 3)
    assert other.sha256 != first.sha256


@pytest.mark.parametrize("kind", ["checkpoint", "weights"])
def test_a_file_is_json_and_numbers_and_no_pickle(tmp_path: Path, kind: str) -> None:
    if kind == "checkpoint":
        file = write_checkpoint(tmp_path, 1, 1, tensors(), HISTORY)
    else:
        file = write_weights(tmp_path, tensors(), 1)
    header, body = header_and_body((tmp_path / file.file_name).read_bytes())
    metadata = header.pop("__metadata__", {})
    assert metadata == ({"history": json.dumps(HISTORY)} if kind == "checkpoint" else {})
    assert header.keys() == tensors().keys()
    num_numbers_bytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors().values())
    assert len(body) == num_numbers_bytes
