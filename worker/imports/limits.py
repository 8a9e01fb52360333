"""What bounds an import, before and as it inflates; and a file of one, whatever it came in.

Limits, all guesses that leave room for what can be trained here: 200,000 files (MNIST has 70,000) of 32 MiB (a photo
has 5), 4 GiB unpacked, and 200 times what was packed (text packs to a tenth; a bomb to a thousandth).
"""

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from worker.imports.refusals import ImportRefused

MAX_FILES = 200_000
MAX_FILE_BYTES = 32 * 2**20
MAX_IDX_BYTES = 2**30  # of an unpacked IDX file, which holds all images
MAX_TOTAL_BYTES = 4 * 2**30
MAX_RATIO, RATIO_COUNTS_FROM = 200, 64 * 2**20  # bytes: a small archive of black images is no bomb
DAMAGE = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError)
# What tarfile and zipfile let through of a hostile header, beside their own: a name that is no UTF-8, a sparse map
# without an end, a long name of a long name of a long name ...
SLIPS = (struct.error, ValueError, LookupError, OverflowError, RecursionError)


@dataclass(frozen=True)
class File:
    """`read` gives its content, once, before the next file is asked for; raises BadFile. `problem`: why it is none."""

    name: str
    read: Callable[[], bytes]
    problem: str | None = None


class Budget:
    """Counts what was unpacked. Raises ImportRefused at a bomb."""

    def __init__(self, packed_bytes: int) -> None:
        self._packed, self._unpacked = packed_bytes, 0

    def spend(self, num_bytes: int) -> None:
        self._unpacked += num_bytes
        if self._unpacked > MAX_TOTAL_BYTES:
            raise ImportRefused(f"It unpacks to more than {MAX_TOTAL_BYTES // 2**30} GiB.")
        if self._unpacked > RATIO_COUNTS_FROM and self._unpacked > MAX_RATIO * self._packed:
            raise ImportRefused(f"It unpacks to more than {MAX_RATIO} times its size, as a bomb does.")


def limit_of(name: str) -> int:
    """IDX files hold all images in one."""
    return MAX_IDX_BYTES if "idx" in name.rsplit("/", 1)[-1].lower() else MAX_FILE_BYTES


def too_large(name: str, num_bytes: int) -> str | None:
    return None if 0 <= num_bytes <= limit_of(name) else f"says that it has {num_bytes:,} bytes"


def no_content() -> bytes:
    raise AssertionError("a file with a problem is not read")
