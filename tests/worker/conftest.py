"""What tests of the trainer share: real digits, made once."""

from collections.abc import Callable

import pytest

from core.dataset_store import MaterialisedDataset
from worker.data import ensure


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> MaterialisedDataset:
    folder = tmp_path_factory.mktemp("digits")
    said: Callable[[str], None] = [""].append
    return ensure("digits", datasets_dir=folder, materialised_dir=folder / "made", mirror=None, report=said)
