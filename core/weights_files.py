"""Weights as the worker wrote them, read without torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# safetensors' names of the types that our networks have; bf16 is a way to compute, never one to keep.
_TYPES = {"F32": np.float32, "I64": np.int64}


def read_weights(file: Path) -> dict[str, NDArray[Any]]:
    """By name, in the file's order. Raises OSError, and ValueError where it is not such a file."""
    content = file.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    weights = {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        raw = content[start + begin : start + end]
        weights[name] = np.frombuffer(raw, _TYPES[tensor["dtype"]]).reshape(tensor["shape"])
    return weights
