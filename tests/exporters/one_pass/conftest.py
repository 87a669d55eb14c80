"""Folders for exports in one pass and in two, and what one leaves that nothing disturbs."""

from pathlib import Path

import pytest

from tests.exporters.one_pass.passes import SCENE, two_passes


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
