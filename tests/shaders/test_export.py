"""`export` with `live`: the page that draws itself lies beside the tiles."""

from pathlib import Path

import pytest

import tilecppn
from tilecppn.errors import ExportError
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_it_writes_both_pages(small_store: Store, tmp_path: Path) -> None:
    files = tilecppn.export(small_store.path, tmp_path / "a.dzi", live=True, title="Mine")
    page = tmp_path / "a.live.html"
    assert page in files
    assert "<title>Mine</title>" in page.read_text()
    assert 'href="a.live.html"' in (tmp_path / "a.html").read_text()
    assert Scene.load(page) == small_store.scene


def test_nothing_is_written_where_one_cannot_be(small_store: Store, tmp_path: Path) -> None:
    page = tmp_path / "a.live.html"
    page.write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ExportError, match=r"a\.live\.html"):
            tilecppn.export(small_store.path, tmp_path / "a.dzi", live=True, overwrite=overwrite)
    assert list(tmp_path.iterdir()) == [page]
