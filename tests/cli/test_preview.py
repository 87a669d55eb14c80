"""`tilecppn preview`."""

from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.cli.conftest import Cli
from tests.cli.results import ok
from tilecppn.pixels.window import preview
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
