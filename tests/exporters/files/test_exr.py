"""OpenEXR: pixels and attributes as OpenImageIO reads them, with OpenEXR's own library."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporters.files import exr_reader
from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.exporters.files import exr_file
from tilecppn.exporters.verify import find_export_damage
from tilecppn.pixels import light
from tilecppn.scene.scene import Scene

Read = Callable[[Path], tuple[dict[str, Any], list[NDArray[Any]]]]
FULL = {"uint8": 255, "uint16": 65535, "float32": 1}


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        yield lambda path: other.submit(exr_reader.read, path).result()


def srgb_light(values: NDArray[Any]) -> NDArray[Any]:
    """IEC 61966-2-1, mirrored below 0."""
    size = np.abs(values.astype(np.float64))
    linear = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.sign(values) * linear)


@pytest.mark.parametrize("bits", [None, 16, 32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (201, 131)])
def test_every_level_is_the_stores_in_linear_light(
    size: tuple[int, int], dtype: str, channels: int, bits: int | None, read: Read, tmp_path: Path
) -> None:
    store = noise_store(tmp_path / "in.zarr", *size, channels=channels, dtype=dtype)
    path = tmp_path / "a.exr"
    assert export(store.path, path, bits=bits, workers=2) == [path]
    _, found = read(path)
    half = bits == 16 or (bits is None and dtype != "float32")
    assert {pixels.dtype for pixels in found} == {np.dtype(np.float16 if half else np.float32)}
    assert found[-1].shape == (1, 1, channels)
    for level in range(len(store.plan.levels)):
        exact = srgb_light(level_pixels(store, level) / FULL[dtype])
        error = np.abs(found[level].astype(np.float64) - exact)
        assert (error <= np.abs(exact) * (2**-11 if half else 2**-23) + 2**-25).all()


@pytest.mark.parametrize(
    ("profile", "primaries", "stored", "linear"),
    [
        ("srgb", (0.64, 0.33, 0.30, 0.60, 0.15, 0.06), 128, 0.215861),
        ("display-p3", (0.68, 0.32, 0.265, 0.69, 0.15, 0.06), 128, 0.215861),
        ("adobe-rgb", (0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 128, 0.219638),
    ],
)
def test_primaries_and_curve_are_the_profiles(
    profile: str,
    primaries: tuple[float, ...],
    stored: int,
    linear: float,
    read: Read,
    tmp_path: Path,
) -> None:
    store = noise_store(tmp_path / "a.zarr", 70, 70, profile=profile)
    export(store.path, tmp_path / "a.exr")
    attributes, _ = read(tmp_path / "a.exr")
    assert attributes["chromaticities"] == pytest.approx((*primaries, 0.3127, 0.3290), abs=1e-6)
    values = light.linear(np.array([0, stored, 255], np.uint8), profile, np.dtype(np.float32))
    assert values == pytest.approx([0, linear, 1], abs=1e-6)


def test_it_says_who_made_it_of_what_and_how_large_it_prints(read: Read, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70, dtype="uint16")
    path = tmp_path / "a.exr"
    export(store.path, path, tile=48, title="Storms")
    attributes, _ = read(path)
    assert attributes["tile"] == (48, 48)
    said = [attributes[name] for name in ("compression", "title", "XResolution")]
    assert said == ["zip", "Storms", 300]
    scene = Scene.load(path)
    assert scene.cppn == store.scene.cppn
    assert scene.canvas == store.scene.canvas
    assert find_export_damage(path) == {}


def test_small_files_have_the_same_pixels(read: Read, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70)
    for effort in (1, 9):
        export(store.path, tmp_path / f"{effort}.exr", effort=effort)
    fast, small = (read(tmp_path / f"{effort}.exr")[1] for effort in (1, 9))
    assert all(np.array_equal(a, b) for a, b in zip(fast, small, strict=True))


def test_flat_tiles_are_small() -> None:
    flat = exr_file.packed_pixels(np.zeros((3, 64, 64), np.float16), 1)
    assert len(flat) < 1000


def test_panels_fit(read: Read, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 130, 70)
    export(store.path, tmp_path / "a.exr")
    export(store.path, tmp_path / "wall.exr", panels="2x1")
    parts = [read(tmp_path / f"wall-1-{k}.exr")[1][0] for k in (1, 2)]
    assert np.array_equal(np.concatenate(parts, axis=1), read(tmp_path / "a.exr")[1][0])


def test_another_file_has_no_scene(tmp_path: Path) -> None:
    for text in (b"", b"\x76\x2f\x31\x01\x02\x02\0\0half"):
        (tmp_path / "a.exr").write_bytes(text)
        with pytest.raises(ValueError, match=r"no OpenEXR|ends too soon"):
            exr_file.read_attributes(tmp_path / "a.exr")
