"""`tilecppn render`: what it does, and what it prints where."""

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from tests.cli.conftest import Cli
from tests.cli.results import LOCAL, ok, record
from tests.stores import level_pixels, tree
from tilecppn.cli.run_meter import RenderMeter
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_render_says_in_words_what_it_did(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    first = cli("render", "a.toml", "-o", "a.zarr", *LOCAL)
    assert re.fullmatch(
        r"a\.zarr: 150 × 101, 4 shards rendered, 0 already there, in [\d.]+ s, "
        r"[\d.]+ Mpixel/s\n",
        ok(first),
    )
    assert "4 shards" in first.stderr
    assert Store(tmp_path / "a.zarr").is_whole()
    before = tree(tmp_path)
    second = cli("render", "a.toml", "-o", "a.zarr", *LOCAL)
    assert ok(second).startswith("a.zarr: 150 × 101, 0 shards rendered, 4 already there")
    assert tree(tmp_path) == before


def test_render_counts_in_json_and_a_second_run_renders_nothing(scene: Scene, cli: Cli) -> None:
    first = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json"))
    assert {k: first[k] for k in ("store", "shards", "rendered", "skipped", "pixels")} == {
        "store": "a.zarr",
        "shards": 4,
        "rendered": 4,
        "skipped": 0,
        "pixels": 150 * 101,
    }
    assert first["seconds"] > 0
    assert (first["attempts"], first["workers_lost"]) == (4, 0)
    assert first["workers_joined"] >= 1
    second = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json"))
    assert (second["rendered"], second["skipped"], second["pixels"]) == (0, 4, 0)


def test_render_says_how_far_off_an_estimate_was(
    scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RenderMeter, "estimated_seconds", lambda self, pixels: pixels / 1e4)
    done = cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json")
    assert record(done)["estimated_seconds"] == 1.515
    assert "s, estimated 1.5 s from samples at the start" in done.stderr


def test_a_lone_side_of_other_proportions_is_noted(scene: Scene, cli: Cli) -> None:
    for sides, noted in (((300, None), True), ((300, 202), False)):
        given = [f"canvas.{k}={v}" for k, v in zip(("width", "height"), sides, strict=True) if v]
        options = [part for text in given for part in ("--set", text)]
        done = cli("render", "a.toml", "-o", f"{noted}.zarr", *LOCAL, *options)
        ok(done)
        assert ("other proportions than the scene's own 150 × 101" in done.stderr) is noted


def test_render_goes_on_with_what_is_missing(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    ok(cli("render", "a.toml", "-o", "a.zarr", *LOCAL))
    before = tree(tmp_path)
    (tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "1").unlink()
    again = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json"))
    # The shard, and those above it that are made from it.
    assert (again["rendered"], again["skipped"]) == (3, 1)
    assert tree(tmp_path) == before


def test_set_overrides_values_of_the_scene(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    options = ["--set", "canvas.width=70", "--set", "view.center=[1, 2.5]"]
    options += ["--set", "view.aspect=stretch", "--set", 'output.dtype="uint16"']
    ok(cli("render", "a.toml", "-o", "b.zarr", *LOCAL, *options))
    rendered = Store(tmp_path / "b.zarr").scene
    assert rendered.canvas.width == 70
    assert rendered.canvas.height == 101
    assert rendered.view.center == (1.0, 2.5)
    assert rendered.view.aspect == "stretch"
    array: Any = zarr.open_group(tmp_path / "b.zarr", mode="r")["0"]
    assert array.dtype == "uint16"


def test_overwrite_replaces_a_store_of_ours(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    ok(cli("render", "a.toml", "-o", "a.zarr", *LOCAL))
    options = ("--overwrite", "--json", "--set", "canvas.width=70")
    again = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, *options))
    assert again["skipped"] == 0
    assert Store(tmp_path / "a.zarr").plan.width == 70
    assert {path.name for path in tmp_path.iterdir()} == {"a.toml", "a.zarr"}


@pytest.mark.parametrize("dest", ["out.png", "out.dzi"])
def test_render_exports_too(dest: str, scene: Scene, cli: Cli, tmp_path: Path) -> None:
    options = ("--export", dest, "--json")
    both = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, *options))
    assert both["rendered"] == 4
    assert both["export"][0] == dest
    ok(cli("export", "a.zarr", f"alone/{dest}"))
    alone = tree(tmp_path / "alone")
    assert {key: value for key, value in tree(tmp_path).items() if key in alone} == alone
    again = cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--export", dest)
    assert ok(again).splitlines()[1] == dest


@pytest.mark.parametrize(
    ("dest", "options"),
    [
        ("out.dzi", ("--format", "jpg", "--quality", "50", "--effort", "3")),
        ("out.dzi", ("--tile", "48", "--overlap", "2")),
        (
            "out.webp",
            (
                "--quality",
                "30",
            ),
        ),
    ],
)
def test_render_takes_the_options_of_its_export(
    dest: str, options: tuple[str, ...], scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    ok(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--export", f"both/{dest}", *options))
    ok(cli("export", "a.zarr", f"alone/{dest}", *options))
    assert tree(tmp_path / "both") == tree(tmp_path / "alone")
    ok(cli("export", "a.zarr", f"plain/{dest}"))
    assert tree(tmp_path / "both") != tree(tmp_path / "plain")


def test_kernels_are_chosen_by_name(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    for kernel in ("torch", "reference"):
        ok(cli("render", "a.toml", "-o", f"{kernel}.zarr", *LOCAL, "--kernel", kernel))
        assert Store(tmp_path / f"{kernel}.zarr").arithmetic.kernel == kernel
    fast, exact = (level_pixels(Store(tmp_path / f"{k}.zarr"), 0) for k in ("torch", "reference"))
    assert np.abs(fast.astype(int) - exact.astype(int)).max() <= 1


def test_one_shard_is_no_shards(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    small = ("--set", "canvas.width=60", "--set", "canvas.height=40")
    done = cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--workers", "1", *small)
    assert ok(done).startswith("a.zarr: 60 × 40, 1 shard rendered, 0 already there, in ")
    assert "1 shard, 1 local worker, kernel" in done.stderr
    assert ok(cli("status", "a.zarr")).startswith("a.zarr: finished, 1 of 1 shard\n")
    (tmp_path / "a.zarr" / "0" / "c" / "0" / "0" / "0").unlink()
    assert "unfinished: 0 of 1 shard; run tilecppn render again" in cli("verify", "a.zarr").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("can't start new thread", "no more threads"),
        ("CUDA out of memory. Tried to allocate 20.00 GiB.", "out of memory; a smaller --batch"),
        ("DefaultCPUAllocator: can't allocate memory", "out of memory; a smaller --batch"),
    ],
)
def test_a_lack_of_threads_or_memory_is_told_in_one_line(
    words: str, says: str, scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unstarted(thread: threading.Thread) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(threading.Thread, "start", unstarted)
    done = cli("render", "a.toml", "-o", "a.zarr", "--executor", "local")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith(f"error: {says}")
