"""Weights as the worker wrote them, read without torch."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# safetensors' names of the types that our networks have; bf16 is a way to compute, never one to keep.
_TYPES = {"F32": np.float32, "I64": np.int64}


def read_weights(file: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """By name, in the file's order; all, or those of `names`: a checkpoint holds two moments of each besides.

    Raises OSError, and ValueError where it is not such a file or lacks a name.
    """
    with file.open("rb") as opened:
        size = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(size))
        header.pop("__metadata__", None)
        weights = {}
        for name in header if names is None else (name for name in header if name in names):
            tensor = header[name]
            begin, end = tensor["data_offsets"]
            opened.seek(8 + size + begin)
            weights[name] = np.frombuffer(opened.read(end - begin), _TYPES[tensor["dtype"]]).reshape(tensor["shape"])
    if names is not None and len(weights) < len(set(names)):
        raise ValueError(f"{file.name} lacks {', '.join(sorted(set(names) - weights.keys()))}")
    return weights
