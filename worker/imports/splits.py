"""Which images are tested where the files do not say: a fraction of each class, by a seed."""

import hashlib
from collections.abc import Mapping


def test_names(class_of: Mapping[str, str], fraction: float, seed: int) -> set[str]:
    """The names of the test images. A name's place follows from the seed and itself alone, so neither the order in the
    archive nor a version of numpy decides. A class of one image keeps it in train."""
    by_class: dict[str, list[str]] = {}
    for name, class_name in class_of.items():
        by_class.setdefault(class_name, []).append(name)
    chosen = set[str]()
    for names in by_class.values():
        num = min(len(names) - 1, max(1, round(fraction * len(names)))) if len(names) > 1 else 0
        chosen.update(sorted(names, key=lambda name: _place(seed, name))[:num])
    return chosen


def _place(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()
