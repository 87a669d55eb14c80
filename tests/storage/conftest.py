"""Stores to test with: one that is only read, and one to spoil."""

import shutil
from pathlib import Path

import pytest

from tests.stores import noise_store
from tilecppn.storage.store import Store


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """201 × 131 in shards of 128: two by two, the last ones cut; read only."""
    return noise_store(tmp_path_factory.mktemp("noisy") / "a.zarr", 201, 131)


@pytest.fixture
def store(noisy: Store, tmp_path: Path) -> Store:
    """A copy of `noisy` to spoil."""
    return Store(shutil.copytree(noisy.path, tmp_path / "a.zarr"))
