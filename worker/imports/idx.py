"""IDX files, MNIST's own format: two zeros, 8 for bytes, the number of axes, each as four bytes. Source: LeCun."""

import gzip
import math
import re
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from worker.imports.limits import MAX_IDX_BYTES
from worker.imports.refusals import BadFile

Bytes = NDArray[np.uint8]
_NAME = re.compile(r"(images|labels)[-_.]?idx[134]?(-ubyte)?|(images|labels).*\.idx[134]?(-ubyte)?$", re.ASCII)
_TEST = re.compile(r"(^|[-_.])(t10k|test|testing|val|valid|validation)([-_.]|$)")


def kind_of(path: PurePosixPath) -> tuple[str, str] | None:
    """("train" or "test", "images" or "labels") where the name is that of an IDX file."""
    name = path.name.lower().removesuffix(".gz")
    if _NAME.search(name) is None:
        return None
    kind = "labels" if "labels" in name else "images"
    return ("test" if _TEST.search(name) else "train"), kind


def read_idx(name: str, content: bytes) -> Bytes:
    """The array, of as many dimensions as it says; raises BadFile."""
    if name.lower().endswith(".gz"):
        content = _unpacked(content)
    if len(content) < 4 or content[:3] != b"\0\0\x08" or not 1 <= content[3] <= 4:
        raise BadFile("is no IDX file of bytes")
    num_axes = content[3]
    header = 4 + 4 * num_axes
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if 0 in shape[1:]:
        raise BadFile("says that its images have no pixels")
    if len(content) < header or len(content) - header != math.prod(shape):
        raise BadFile(f"says {'×'.join(map(str, shape))} bytes and has {max(0, len(content) - header):,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def paired(arrays: Mapping[tuple[str, str], Bytes], split: str) -> tuple[Bytes, Bytes] | None:
    """(N, H, W) or (N, H, W, 3) and (N,); None where the split has neither file. Raises BadFile."""
    images, labels = arrays.get((split, "images")), arrays.get((split, "labels"))
    if images is None and labels is None:
        return None
    if images is None or labels is None:
        raise BadFile(f"has no {'images' if images is None else 'labels'} beside it")
    is_colour = images.ndim == 4 and images.shape[3] in (1, 3)
    if not (images.ndim == 3 or is_colour) or labels.ndim != 1 or len(images) != len(labels):
        raise BadFile(f"{images.shape} images do not fit {labels.shape} labels")
    return (images[..., 0] if images.ndim == 4 and images.shape[3] == 1 else images), labels


def _unpacked(content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
            unpacked = stream.read(MAX_IDX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadFile(f"is damaged ({error})") from error
    if len(unpacked) > MAX_IDX_BYTES:
        raise BadFile("unpacks to more than 1 GiB")
    return unpacked
