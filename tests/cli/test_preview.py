"""`tilecppn preview`."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused, ok, record
from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.exporters.output import provenance
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene


def test_preview_is_the_picture_small(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    assert (
        ok(cli("preview", "a.toml", "-o", "new/a.png", "--width", "60")) == "new/a.png: 60 × 40\n"
    )
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (60, 40))
        np.testing.assert_array_equal(np.asarray(image), preview(scene, 60))
        assert isinstance(image, PngImageFile)
        assert image.text["tilecppn"].startswith(scene.to_toml())
    ok(cli("preview", "a.toml", "-o", "new/a.png", "--set", "cppn.channels=1", "--overwrite"))
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert (image.mode, image.size) == ("L", (1024, 689))


@pytest.mark.parametrize(
    ("name", "kind", "error"),
    [("a.jpg", "JPEG", 3), ("b.JPEG", "JPEG", 3), ("c.WebP", "WEBP", 4), ("d.TIF", "TIFF", 0)],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_suffix_decides_the_format(
    channels: int, name: str, kind: str, error: int, scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    override = f"cppn.channels={channels}"
    ok(cli("preview", "a.toml", "-o", name, "--width", "60", "--set", override))
    expected = preview(scene.replace(cppn={"channels": channels}), 60)
    with Image.open(tmp_path / name) as image:
        assert (image.format, image.size) == (kind, (60, 40))
        drawn = np.asarray(image).reshape(40, 60, -1)[..., :channels].astype(int)
        colours = 3 if kind == "WEBP" else channels
        assert image.info["icc_profile"] == icc_profile("srgb", colours)
    assert np.abs(drawn - expected).mean() <= error
    found = provenance.read(tmp_path / name)
    assert found is not None
    assert found.intact
    # It draws its scene again, and is replaced as ours.
    ok(cli("preview", name, "-o", "again.png", "--width", "60"))
    with Image.open(tmp_path / "again.png") as image:
        np.testing.assert_array_equal(np.asarray(image).reshape(40, 60, -1), expected)
    ok(cli("preview", "a.toml", "-o", name, "--overwrite"))


def test_a_tiff_is_read_by_others(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    ok(cli("preview", "a.toml", "-o", "a.tiff", "--width", "60"))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tiff"), preview(scene, 60))


def test_other_suffixes_and_sizes_are_refused(scene: Scene, cli: Cli) -> None:
    assert_refused(cli("preview", "a.toml", "-o", "a.bmp"), "a.bmp", ".jpg")
    assert_refused(cli("preview", "a.toml", "-o", "a.webp", "--width", "20000"), "16,383")


def test_json_is_one_object(scene: Scene, cli: Cli) -> None:
    found = record(cli("preview", "a.toml", "-o", "a.jpg", "--width", "60", "--json"))
    assert found.pop("seconds") > 0
    assert found == {"files": ["a.jpg"], "width": 60, "height": 40}
