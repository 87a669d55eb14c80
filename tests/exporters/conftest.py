"""A store to export, and a folder for its exports."""

from pathlib import Path

import pytest

from tests.stores import noise_store
from tilecppn.storage.store import Store


@pytest.fixture
def finished(tmp_path: Path) -> Store:
    """130 × 67 in shards of 128."""
    return noise_store(tmp_path / "in.zarr", 130, 67)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder for exports of `finished`."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"
