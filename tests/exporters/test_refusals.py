"""What an export cannot be is refused before any work; tests of other files need more than this."""

from pathlib import Path
from typing import Any

import pytest

from tests.stores import noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.storage.store import Store

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    # Bits
    ("a.jpg", {"bits": 16}, r"\.jpg can have only 8;"),
    ("a.png", {"bits": 12}, r"\.png can have only 8 or 16;"),
    ("a.avif", {"bits": 14}, "must be one of 8, 10, 12, 16"),
    ("a.dzi", {"bits": 10, "format": "avif"}, r"tiles of \.avif can have only 8;"),
    ("a.exr", {"bits": 8}, r"\.exr can have only 16 or 32"),
    ("a.exr", {"bits": 64}, "32 of an EXR"),
    ("a.avif", {"transfer": "pq", "bits": 8}, "HDR can have only 10 or 12"),
    ("a.avif", {"bits": 10, "max_bytes": 1000}, "use quality"),
    # Values
    ("a.png", {"max_size": 0}, "must be an integer from 1 to"),
    ("a.avif", {"effort": None}, "effort None: must be an integer from 1 to 9"),
    ("a.avif", {"quality": "80"}, "quality '80': must be an integer from 1"),
    ("a.tif", {"tile": 100}, "tile=100: must be a multiple of 16"),
    ("a.dzi", {"skip_blanks": "black"}, "must be a colour"),
    ("a.dzi", {"overlap": 33}, "overlap=33: must be from 0 to half a tile"),
    ("a.png", {"panels": "0x2"}, "columns × rows"),
    ("a.png", {"panels": "1x1"}, "columns × rows"),
    ("a.png", {"panels": "40x40"}, "more than 400 files; use fewer panels"),
    ("a.png", {"panels": "4x99"}, "overlap of 0 pixels does not fit into panels of 0:"),
    ("a.png", {"panels": "2x2", "panel_overlap": "30px"}, "30 pixels does not fit .* of 30:"),
    ("a.png", {"panels": "2x2", "panel_overlap": "3"}, "must be a length"),
    ("a.png", {"strip": "large"}, "size on paper"),
    ("a.png", {"strip": "1x1cm"}, "must be from 4 cm"),
    ("a.png", {"strip": "900x900cm"}, "200,000,000 pixels"),
    ("a.webp", {"strip": "150x8cm"}, "17717 × 945: WEBP has 16,383 pixels a side at most"),
    ("a.tif", {"lab": True, "max_bytes": 10}, r"use \.jpg, or max_size"),
    ("a", {"layout": "iif"}, r'unknown layout "iif".*iiif'),
    # What only other kinds have
    ("a.exr", {"strip": "A4"}, r"or \.avif has one; leave it out"),
    ("a.jxl", {"strip": "A4"}, r"or \.avif has one; leave it out"),
    ("a.dzi", {"strip": "A4"}, r"or \.avif has one; leave it out"),
    ("a.exr", {"skip_blanks": "#000000"}, "only pyramids"),
    ("a.png", {"skip_blanks": "#000"}, "only pyramids"),
    ("a.tif", {"skip_blanks": "#000"}, "only pyramids"),
    ("a.tif", {"transfer": "pq"}, r"only a single \.avif, \.jxl or \.png"),
    ("a.dzi", {"transfer": "pq"}, r"only a single \.avif, \.jxl or \.png"),
    ("a.png", {"lab": True}, r"only \.jpg and \.tif are accepted by labs"),
    ("a.webp", {"lab": True}, r"only \.jpg and \.tif are accepted by labs"),
    ("a.png", {"max_bytes": 10}, "only a single .* has them; leave it out"),
    ("a.dzi", {"max_bytes": 10}, "only a single .* has them; leave it out"),
    ("a.png", {"marks": True}, r"only a \.pdf"),
    ("a.pdf", {"panels": "2x2"}, "not a PDF; leave it out"),
    ("a.dzi", {"panels": "2x2"}, "not a PDF; leave it out"),
    # Combinations
    ("a.avif", {"transfer": "pq", "max_bytes": 1000}, "cannot be combined with max_bytes"),
    ("a.avif", {"transfer": "pq", "panels": "2x2"}, "cannot be combined with panels"),
    ("a.png", {"strip": "9x9in", "panels": "2x2"}, "cannot be combined with panels"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 100, 60, dtype="uint16")


@pytest.mark.parametrize(("name", "options", "why"), REFUSED)
def test_what_cannot_be_is_refused(
    name: str, options: dict[str, Any], why: str, store: Store, tmp_path: Path
) -> None:
    with pytest.raises(ExportError, match=why):
        export(store.path, tmp_path / name, **options)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("name", ["iiif", "xyz", "a.dzi"])
def test_lossy_tiles_of_16_bits_are_refused(name: str, store: Store, tmp_path: Path) -> None:
    layout = None if "." in name else name
    with pytest.raises(ExportError, match=r"bits=16: .* can have only 8;.* use format png"):
        export(store.path, tmp_path / name, layout=layout, bits=16, format="webp")
    assert tree(tmp_path) == {}
