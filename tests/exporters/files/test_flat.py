"""One JPEG, WebP or AVIF: near the store's pixels, with the scene; refused where it cannot be."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SMALL_NET
from tests.decoding import by_vips
from tests.stores import level_pixels, noise_store
from tilecppn import export, machine
from tilecppn.errors import ExportError
from tilecppn.exporters.encoding import tags
from tilecppn.exporters.encoding.encoders import ENCODERS
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.export import export_store
from tilecppn.exporters.files import flat
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.provenance import FILM, Provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.film.encoding.metadata import copy_with_metadata
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

FLATS = (".jpg", ".webp", ".avif")


@pytest.mark.parametrize("suffix", FLATS)
def test_it_is_the_picture_with_its_scene_and_profile(
    suffix: str, small_store: Store, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    assert export(small_store.path, path, quality=95) == [path]
    expected = level_pixels(small_store, 0).astype(float)
    assert np.abs(by_vips(path) - expected).mean() < 2.5
    with Image.open(path) as image:
        exif = image.getexif()
        assert image.info["icc_profile"] == icc_profile("srgb", 3)
    assert Scene.parse(exif[tags.DESCRIPTION]) == small_store.scene
    assert exif[tags.SOFTWARE].startswith("tilecppn ")
    assert exif[tags.X_RESOLUTION] == 300
    if suffix == ".jpg":  # its own unit and numbers, which some programs read alone
        assert path.read_bytes()[6:18] == b"JFIF\0\1\1\1\1\x2c\1\x2c"
    export(small_store.path, tmp_path / f"b{suffix}", quality=20)
    assert (tmp_path / f"b{suffix}").stat().st_size < path.stat().st_size


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
@pytest.mark.parametrize("suffix", FLATS)
def test_grey_pictures_of_any_depth_become_8_bits(suffix: str, dtype: str, tmp_path: Path) -> None:
    scene = Scene.of(
        cppn={**SMALL_NET, "channels": 1},
        canvas={"width": 130, "height": 70},
        output={"dtype": dtype, "tile": 64, "shard": 64},
    )
    store = render(scene, tmp_path / "in.zarr", executor="local")
    export(store.path, tmp_path / f"a{suffix}")
    full = 65535.0 if dtype == "uint16" else 1.0
    expected = level_pixels(store, 0) / full * 255.0
    assert np.abs(by_vips(tmp_path / f"a{suffix}")[..., :1] - expected).mean() < 2.5
    with Image.open(tmp_path / f"a{suffix}") as image:  # a grey WebP or AVIF is stored in colour
        assert image.info["icc_profile"] == icc_profile("srgb", len(image.getbands()))


def test_a_film_of_ours_is_said_to_be_one(small_store: Store, tmp_path: Path) -> None:
    """Whatever its timeline says."""
    frames = [Image.new("RGB", (5, 5), (k, 0, 0)) for k in range(0, 200, 50)]
    frames[0].save(tmp_path / "bare.webp", save_all=True, append_images=frames[1:])
    path = tmp_path / "a.webp"
    made = Provenance(FILM, 'weights = "tilecppn nets/a.safetensors"', "f", "r")
    copy_with_metadata(tmp_path / "bare.webp", path, ".webp", made.text())
    provenance.seal(path)
    kept = path.read_bytes()
    with pytest.raises(ExportError, match=r"a\.webp: .* holds a film"):
        export(small_store.path, path)
    assert path.read_bytes() == kept


def test_a_side_beyond_the_formats_limit_names_the_level_that_fits(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 70_000, 1, shard=8192, tile=4096)
    for suffix, level in ((".jpg", 1), (".webp", 3), (".avif", 2)):
        with pytest.raises(ExportError, match=f"pixels a side at most; use level={level}, or"):
            export(store.path, tmp_path / f"a{suffix}")
        export(store.path, tmp_path / f"a{suffix}", level=level)


def test_a_picture_that_memory_cannot_hold_names_the_level_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = noise_store(tmp_path / "in.zarr", 300, 200)
    monkeypatch.setattr(machine, "free_memory", lambda: 8 * 300 * 200 // 5)
    with pytest.raises(ExportError, match=r"made in memory.*use level=2, or \.tif"):
        export(store.path, tmp_path / "a.jpg")
    export(store.path, tmp_path / "a.jpg", level=2)


def test_more_pixels_than_readers_take_name_the_level_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = noise_store(tmp_path / "in.zarr", 300, 200)
    few = ENCODERS["avif"]._replace(pixels=300 * 200 // 4)
    monkeypatch.setitem(ENCODERS, "avif", few)
    with pytest.raises(ExportError, match=r"readers of AVIF take 15,000 pixels.*use level=1"):
        export(store.path, tmp_path / "a.avif")
    export(store.path, tmp_path / "a.avif", level=1)


@pytest.mark.parametrize("long", [0.0, 1e6])
def test_a_long_encoding_is_announced(
    long: float, small_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flat, "LONG", long)
    said: list[str] = []
    threads = Threads(1, note=said.append)
    export_store(small_store.path, tmp_path / "a.webp", ExportOptions(), threads)
    assert len(said) == (not long)
    assert all("encoding takes about" in line for line in said)
