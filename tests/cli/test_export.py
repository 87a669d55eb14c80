"""`tilecppn export`."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
from tests.stores import level_pixels
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_export_prints_what_a_person_opens(copied: Store, cli: Cli, tmp_path: Path) -> None:
    result = cli("export", "a.zarr", "out/b.dzi", "--overlap", "1")
    assert ok(result).splitlines()[:3] == ["out/b.dzi", "out/b.html", "out/b_files"]
    assert 'Overlap="1" TileSize="64"' in (tmp_path / "out" / "b.dzi").read_text()
    png = record(cli("export", "a.zarr", "b.png", "--level", "1", "--json"))
    assert png["files"] == ["b.png"]
    assert png["seconds"] >= 0
    with Image.open(tmp_path / "b.png") as image:
        np.testing.assert_array_equal(np.asarray(image), level_pixels(copied, 1))


def test_export_takes_format_quality_and_tile(copied: Store, cli: Cli, tmp_path: Path) -> None:
    options = ("--format", "jpg", "--tile", "100", "--workers", "1")
    ok(cli("export", "a.zarr", "low.dzi", *options, "--quality", "20"))
    ok(cli("export", "a.zarr", "high.dzi", *options, "--quality", "95"))
    low, high = (tmp_path / f"{name}_files" / "10" / "0_0.jpg" for name in ("low", "high"))
    assert low.stat().st_size < high.stat().st_size
    with Image.open(low) as image:
        assert image.size == (100, 100)


def test_export_of_a_part_if_asked(copied: Store, cli: Cli, tmp_path: Path) -> None:
    (copied.path / "0" / "c" / "0" / "0" / "0").unlink()
    assert cli("export", "a.zarr", "b.png").exit_code == 2
    partial = cli("export", "a.zarr", "b.png", "--partial")
    assert partial.exit_code == 0
    assert partial.stderr == "level 0: 5 of 6 shards are there; the rest is black\n"
    with Image.open(tmp_path / "b.png") as image:
        assert not np.asarray(image)[:256, :256].any()


def test_an_export_says_how_large_it_is(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    assert cli("render", "a.toml", "-o", "size.zarr").exit_code == 0
    done = cli("export", "size.zarr", "size.png", "--json")
    assert json.loads(done.stdout)["bytes"] == (tmp_path / "size.png").stat().st_size
