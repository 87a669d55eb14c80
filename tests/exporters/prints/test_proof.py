"""A printer's colours, by its profile: what LittleCMS makes of the same pixels, piece by piece."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image, ImageCms

from tests.exporters.ciede2000 import difference
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.verify import find_export_damage
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 300, 200)


@pytest.fixture(scope="module")
def cmyk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The printer's profile that libvips has."""
    path = tmp_path_factory.mktemp("profile") / "cmyk.icc"
    data = pyvips.Operation.call("profile_load", "cmyk")
    path.write_bytes(data)
    return path


def profile(data: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(data))


@pytest.mark.parametrize("intent", ["relative", "perceptual"])
def test_cmyk_is_what_littlecms_makes_of_the_whole(
    intent: str, store: Store, cmyk: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.tif"
    assert export(store.path, path, proof=cmyk, intent=intent) == [path]
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        found = page.asarray()
        assert page.photometric == 5  # separated
        assert page.tags["InterColorProfile"].value == cmyk.read_bytes()
        assert page.get_resolution("inch") == (300, 300)
    transform = ImageCms.buildTransform(
        profile(icc_profile("srgb", 3)), profile(cmyk.read_bytes()), "RGB", "CMYK",
        ImageCms.Intent[{"relative": "RELATIVE_COLORIMETRIC"}.get(intent, "PERCEPTUAL")],
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip
    expected = ImageCms.applyTransform(Image.fromarray(level_pixels(store, 0)), transform)
    assert expected is not None
    assert np.array_equal(found, np.asarray(expected))
    assert Scene.load(path) == store.scene
    assert find_export_damage(path) == {}
    with Image.open(path) as image:
        assert image.mode == "CMYK"


@pytest.mark.parametrize("channels", [1, 3])
def test_another_rgb_looks_the_same(channels: int, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 120, 80, channels=channels)
    (tmp_path / "wide.icc").write_bytes(icc_profile("adobe-rgb", 3))
    export(store.path, tmp_path / "a.tif", proof=tmp_path / "wide.icc")
    export(store.path, tmp_path / "b.tif", lab=True)
    looks = []
    for name in ("a.tif", "b.tif"):
        image = pyvips.Image.new_from_buffer((tmp_path / name).read_bytes(), "")
        looks.append(image.icc_import(embedded=True, pcs="lab").numpy().astype(float))
    found = difference(*looks)
    # What is left is the rounding to 8 bits, of which Adobe RGB has few for dark greys.
    assert found.mean() < 0.3
    assert np.quantile(found, 0.99) < 1.2


def test_the_soft_proof_marks_what_the_printer_lacks(cmyk: Path, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 120, 80)
    path = tmp_path / "soft.png"
    export(store.path, path, proof=cmyk)
    with Image.open(path) as image:
        found = np.asarray(image)
        assert image.info["srgb"] == 0
    pixels = level_pixels(store, 0).astype(int)
    marked = (found == found[..., :1]).all(axis=2) & (np.ptp(pixels, axis=2) > 60)
    vivid = (pixels[..., 2] > 230) & (pixels[..., :2] < 60).all(axis=2)  # no ink is so blue
    assert vivid.any()
    assert marked[vivid].all()
    assert 0.05 < marked.mean() < 0.95


def test_what_cannot_be_is_refused(store: Store, cmyk: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.icc"
    bad.write_bytes(b"no profile")
    lab = tmp_path / "lab.icc"
    lab.write_bytes(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("a.tif", {"proof": bad}, "cannot be read as an ICC profile"),
        ("a.tif", {"proof": tmp_path / "none.icc"}, "does not exist"),
        ("a.tif", {"proof": lab}, "not of RGB, CMYK or grey"),
        ("a.jpg", {"proof": cmyk}, "leave it out"),
        ("a.tif", {"proof": cmyk, "bits": 16}, "can have only 8"),
        ("a.tif", {"proof": cmyk, "lab": True}, "cannot be combined with lab"),
        ("a.tif", {"proof": cmyk, "intent": "relativ"}, "relative"),
    ]
    for name, options, why in refused:
        with pytest.raises(ExportError, match=why):
            export(store.path, tmp_path / name, **options)
    assert {path.suffix for path in tmp_path.iterdir()} == {".icc"}
