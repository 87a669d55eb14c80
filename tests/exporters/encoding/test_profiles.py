"""Pictures in other spaces than sRGB look as they should, by LittleCMS in libvips."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.conftest import SMALL_NET
from tests.exporters.ciede2000 import difference
from tilecppn import export
from tilecppn.errors import ExportError, SceneError
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.film.timeline.moves import moving
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene

WIDE = ("display-p3", "adobe-rgb")
NET = {**SMALL_NET, "channels": 1}
LOOKS: dict[str, dict[str, Any]] = {
    "two colours": {"palette": ["#ff0010", "#0020ff"]},
    "map": {"palette": "viridis"},
    "inverted": {"palette": ["#102040", "#f0c020", "#ffffff"], "invert": True},
}


def rendered(folder: Path, output: dict[str, Any], cppn: dict[str, Any] = NET) -> Path:
    scene = Scene.of(
        cppn=cppn,
        canvas={"width": 96, "height": 64},
        output={"dtype": "uint16", "tile": 64, "shard": 64, "tolerance": 0, **output},
    )
    name = "".join(c for c in str(output) if c.isalnum())
    return render(scene, folder / f"{name}.zarr", executor="local", workers=1).path


def lab(path: Path) -> NDArray[np.float64]:
    """What LittleCMS sees in a file, by the profile in it."""
    image = pyvips.Image.new_from_buffer(path.read_bytes(), "")
    assert image.get_typeof("icc-profile-data") != 0
    found: NDArray[np.float64] = image.icc_import(embedded=True, pcs="lab").numpy().astype(float)
    return found


def in_both(
    name: str, folder: Path, output: dict[str, Any], cppn: dict[str, Any] = NET
) -> list[NDArray[np.float64]]:
    """What a picture looks like in sRGB and in another space."""
    for profile in ("srgb", name):
        store = rendered(folder, {**output, "profile": profile}, cppn)
        export(store, folder / f"{profile}.tif")
    return [lab(folder / f"{profile}.tif") for profile in ("srgb", name)]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", WIDE)
def test_a_palette_looks_the_same_in_every_space(name: str, look: str, tmp_path: Path) -> None:
    assert difference(*in_both(name, tmp_path, LOOKS[look])).max() <= 0.5


@pytest.mark.parametrize("name", WIDE)
def test_a_table_of_place_and_light_looks_the_same(name: str, tmp_path: Path) -> None:
    assert difference(*in_both(name, tmp_path, {}, {"preset": "jupiter"})).max() <= 0.5


@pytest.mark.parametrize("name", WIDE)
def test_oklch_agrees_where_srgb_reaches_and_goes_beyond(name: str, tmp_path: Path) -> None:
    cppn = {**SMALL_NET, "channels": 3}
    same, other = in_both(name, tmp_path, {"color": "oklch"}, cppn)
    chroma = [np.hypot(image[..., 1], image[..., 2]) for image in (same, other)]
    assert chroma[1].max() > chroma[0].max() + 5  # more colourful than sRGB can be
    assert difference(same, other)[chroma[0] < 20].max() <= 0.6


@pytest.mark.parametrize("name", WIDE)
def test_rgb_are_numbers_of_the_space(name: str, tmp_path: Path) -> None:
    cppn = {**SMALL_NET, "channels": 3}
    stores = [rendered(tmp_path, {"profile": profile}, cppn) for profile in ("srgb", name)]
    pixels = []
    for k, store in enumerate(stores):
        export(store, tmp_path / f"{k}.png")
        image = pyvips.Image.new_from_buffer((tmp_path / f"{k}.png").read_bytes(), "")
        pixels.append(image.numpy())
    assert np.array_equal(*pixels)
    assert Scene.load(stores[0]).fingerprint != Scene.load(stores[1]).fingerprint


@pytest.mark.parametrize("channels", [1, 3])
def test_every_file_and_tile_carries_the_profile(channels: int, tmp_path: Path) -> None:
    cppn = {**SMALL_NET, "channels": channels}
    store = rendered(tmp_path, {"profile": "display-p3"}, cppn)
    expected = {"L": icc_profile("display-p3", 1), "RGB": icc_profile("display-p3", 3)}
    files = []
    for suffix in ("png", "tif", "jpg", "webp", "avif"):
        files += export(store, tmp_path / f"a.{suffix}")
    for format in ("png", "jpg", "webp", "avif"):
        export(store, tmp_path / format, layout="xyz", format=format)
        files += sorted((tmp_path / format).rglob(f"0/*/*.{format}"))
    assert len(files) == 9
    for path in files:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            profile = image.info["icc_profile"]
            assert profile in expected.values(), path
            grey = channels == 1 and path.suffix in (".png", ".tif", ".jpg")
            assert profile == expected["L" if grey else "RGB"], path


def test_srgb_tiles_carry_none(tmp_path: Path) -> None:
    store = rendered(tmp_path, {})
    export(store, tmp_path / "a", layout="xyz")
    for path in (tmp_path / "a").rglob("*.png"):
        assert b"iCCP" not in path.read_bytes()


def test_what_cannot_be_in_another_space_is_refused(tmp_path: Path) -> None:
    store = rendered(tmp_path, {"profile": "display-p3"})
    with pytest.raises(ExportError, match=r"export a \.dzi"):
        export(store, tmp_path / "a.html", layout="store")
    with pytest.raises(SceneError, match="films are in sRGB"):
        moving(Scene.load(store), morph=[1, 2], seconds=1.0)
    with pytest.raises(SceneError, match='"srgb", "display-p3", "adobe-rgb"'):
        Scene.of(output={"profile": "prophoto"})


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # of the paper's table 1
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_judge_itself(one: Any, other: Any, expected: float) -> None:
    assert difference(np.array(one), np.array(other)) == pytest.approx(expected, abs=1e-4)
