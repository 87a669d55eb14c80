"""Which option is for which kind of export: it changes the file, or is refused before any work."""

from pathlib import Path
from typing import Any

import pytest

from tests.stores import noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.exporters.kinds import KINDS
from tilecppn.storage.store import Store

PYRAMIDS = {".dzi", ".szi", ".pmtiles", ".mbtiles", "iiif", "xyz", "zoomify"}
PAGES = {".dzi", "iiif", "xyz", "zoomify", "store"}
OPTIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({"format": "avif"}, PYRAMIDS),
    ({"format": "webp", "quality": 20}, PYRAMIDS),
    ({"quality": 20}, {".jpg", ".webp", ".avif", ".jxl", "zoomify"}),
    ({"tile": 48}, PYRAMIDS | {".tif", ".exr"}),
    ({"compression": "none"}, {".tif"}),
    ({"classic": True}, {".tif"}),
    ({"overlap": 1}, {".dzi", ".szi"}),
    ({"url": "https://example.com/a"}, PAGES),
    ({"title": "Storms"}, {*EXPORTERS, *LAYOUTS}),
    ({"show_scene": False}, {*EXPORTERS, *LAYOUTS}),
    ({"max_size": 100}, {*EXPORTERS, *LAYOUTS} - {"store"}),
    ({"bits": 16}, set()),  # of a store of 8
    ({"intent": "perceptual"}, set()),  # of a proof
    ({"bits": 32}, {".exr"}),
    ({"level": 1}, {*EXPORTERS, *LAYOUTS}),
    ({"effort": 9}, {*EXPORTERS, *LAYOUTS}),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 130, 70)


def exported(store: Store, kind: str, folder: Path, **options: Any) -> dict[str, Any]:
    layout = kind if kind in LAYOUTS else None
    name = {"store": "a.html"}.get(kind, "a" if layout else f"a{kind}")
    export(store.path, folder / name, layout=layout, **options)
    return tree(folder)


@pytest.mark.parametrize("kind", [*EXPORTERS, *LAYOUTS])
def test_an_option_counts_or_is_refused(kind: str, store: Store, tmp_path: Path) -> None:
    plain = exported(store, kind, tmp_path / "plain")
    for number, (options, kinds) in enumerate(OPTIONS):
        folder = tmp_path / str(number)
        if kind in kinds:
            assert exported(store, kind, folder, **options) != plain, options
        elif options.get("format") != kind[1:] and (kind, options) != (".exr", {"bits": 16}):
            # But for what is so anyway.
            with pytest.raises(ExportError, match=r"only .*; leave it out"):
                exported(store, kind, folder, **options)
            assert not folder.exists()


@pytest.mark.parametrize("kind", [*EXPORTERS, *LAYOUTS])
def test_an_option_may_say_what_is_so_anyway(kind: str, store: Store, tmp_path: Path) -> None:
    plain = exported(store, kind, tmp_path / "plain")
    own = KINDS[kind].formats[0]
    same = exported(store, kind, tmp_path / "same", format=own, overlap=0, effort=1)
    assert same == plain


def test_a_layout_makes_no_file(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"a\.dzi: layout xyz makes a folder"):
        export(store.path, tmp_path / "a.dzi", layout="xyz")
    assert export(store.path, tmp_path / "a.b", layout="xyz") == [tmp_path / "a.b"]


@pytest.mark.parametrize(("dest", "layout"), [("a.dzi", None), ("a_files", "xyz")])
def test_a_store_within_an_export_is_not_lost_with_it(
    dest: str, layout: str | None, store: Store, tmp_path: Path
) -> None:
    export(store.path, tmp_path / dest, layout=layout)
    inner = noise_store(tmp_path / "a_files" / "b.zarr", 70, 70)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="overlap; rename one"):
        export(inner.path, tmp_path / dest, layout=layout)
    assert tree(tmp_path) == before
