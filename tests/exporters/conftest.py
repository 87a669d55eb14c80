"""A store to export, folders for exports, and what one leaves that nothing disturbs."""

from pathlib import Path

import pytest

from tests.exporters.passes import SCENE, two_passes
from tests.stores import noise_store
from tilecppn.storage.store import Store


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes | str | None]:
    return two_passes(SCENE, tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def two(tmp_path: Path) -> Path:
    (tmp_path / "two").mkdir()
    return tmp_path / "two"


@pytest.fixture
def one(tmp_path: Path) -> Path:
    (tmp_path / "one").mkdir()
    return tmp_path / "one"


@pytest.fixture
def finished(tmp_path: Path) -> Store:
    """130 × 67 in shards of 128."""
    return noise_store(tmp_path / "in.zarr", 130, 67)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder for exports of `finished`."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"
