"""A page of PDF: sound to qpdf, the stored pixels to poppler, and its boxes in the right places."""

import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.conftest import SMALL_NET
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.files.pdf import AWAY, LENGTH, ROOM, layout, marks
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.source import Source
from tilecppn.exporters.verify import find_export_damage
from tilecppn.inspection.image_size import image_size
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

ABOUT = {"title": 'Stürme (1) \\ "2"', "artist": "Zoë", "description": "a > b & c"}


def judged(*command: object) -> bytes:
    """Another program's output; the test is skipped without it."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"needs {command[0]}")
    return subprocess.run([str(part) for part in command], capture_output=True, check=True).stdout


def image_in(data: bytes) -> NDArray[Any]:
    """The image's rows as PNG has them: a filter byte, then bytes."""
    found = re.search(rb"/Width (\d+) /Height (\d+).*?stream\n", data, re.DOTALL)
    assert found is not None
    stream = zlib.decompressobj()
    raw = stream.decompress(data[found.end() :])
    assert stream.eof
    assert stream.unused_data.startswith(b"\nendstream")
    return np.frombuffer(raw, np.uint8).reshape(int(found[2]), -1)


@pytest.fixture(scope="module")
def bled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    scene = Scene.of(
        cppn={**SMALL_NET, "channels": 3},
        canvas={"print": "6x4cm", "dpi": 100, "bleed": "3mm"},
        output={"tile": 64, "shard": 256},
        about=ABOUT,
    )
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    return render(scene, path, executor="local", workers=1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_qpdf_finds_nothing_wrong(dtype: str, channels: int, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 301, 200, dtype=dtype, channels=channels)
    path = tmp_path / "a.pdf"
    assert export(store.path, path, marks=True) == [path]
    itemsize = 1 if dtype == "uint8" else 2
    assert image_in(path.read_bytes()).shape == (200, 1 + 301 * channels * itemsize)
    assert icc_profile("srgb", channels) in path.read_bytes()
    assert Scene.load(path) == store.scene
    assert image_size(path) == ((301, 200), 300)
    assert find_export_damage(path) == {}
    assert b"No syntax or stream encoding errors found" in judged("qpdf", "--check", path)


def test_poppler_has_the_stored_pixels(bled: Store, tmp_path: Path) -> None:
    export(bled.path, tmp_path / "a.pdf")
    judged("pdfimages", "-png", tmp_path / "a.pdf", tmp_path / "out")
    with Image.open(tmp_path / "out-000.png") as image:
        assert np.array_equal(np.asarray(image), level_pixels(bled, 0))


def test_boxes_are_those_of_the_paper(bled: Store, tmp_path: Path) -> None:
    export(bled.path, tmp_path / "a.pdf", marks=True)
    said = judged("pdfinfo", "-box", tmp_path / "a.pdf").decode()
    boxes = {
        name: [float(edge) for edge in edges.split()]
        for name, edges in re.findall(r"(\w+)Box: +([\d. -]+)", said)
    }
    left, bottom, right, top = boxes["Trim"]
    assert (right - left) / 72 * 2.54 == pytest.approx(6, abs=0.03)
    assert (top - bottom) / 72 * 2.54 == pytest.approx(4, abs=0.03)
    assert left - boxes["Bleed"][0] == pytest.approx(12 / 100 * 72, abs=0.1)
    assert boxes["Bleed"][0] == pytest.approx(ROOM, abs=0.01)
    assert 'Stürme (1) \\ "2"' in said
    assert "Zoë" in said


def test_marks_point_at_the_trim_and_stay_off_the_bleed(bled: Store) -> None:
    page = layout(Source(bled), ExportOptions(marks=True))
    left, bottom, right, top = page.trim
    lines = marks(page)
    assert len(lines) == 8
    for x0, y0, x1, y1 in lines:
        assert np.hypot(x1 - x0, y1 - y0) == pytest.approx(LENGTH)
        along = y0 in (bottom, top) if y0 == y1 else x0 in (left, right)
        assert along
        inside = page.bleed[0] < x0 < page.bleed[2] and page.bleed[1] < y0 < page.bleed[3]
        assert not inside
        assert 0 <= min(x0, x1) <= max(x0, x1) <= page.media[2]
        assert 0 <= min(y0, y1) <= max(y0, y1) <= page.media[3]
    assert min(abs(x0 - left) for x0, *_ in lines if x0 < left) >= AWAY
