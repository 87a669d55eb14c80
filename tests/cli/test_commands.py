"""Every verb: what it does, what it prints where, and its help."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest
import zarr
from click.testing import Result
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from tests.cli.conftest import Cli
from tests.conftest import SMALL_NET, Run
from tests.stores import level_pixels, tree
from tilecppn import machine
from tilecppn.cli import COMMANDS
from tilecppn.cppn import ACTIVATIONS, PRESETS
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.film.encoding.codecs import ANIMATIONS, CODECS, CONTAINERS
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.window import preview
from tilecppn.plan import Plan
from tilecppn.run.estimates import worker_memory
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

LOCAL = ("--executor", "local")


def ok(result: Result) -> str:
    """What a verb that ended well has printed on stdout."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def record(result: Result) -> dict[str, Any]:
    """The one JSON object on stdout."""
    value = json.loads(ok(result))
    assert isinstance(value, dict)
    assert result.stdout.count("\n") == 1
    return value


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """a.toml in the current folder: 150 × 101 in 2 + 1 shards."""
    scene = Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 150, "height": 101},
        output={"tile": 64, "shard": 128},
    )
    (tmp_path / "a.toml").write_text(scene.to_toml())
    return scene


@pytest.fixture
def copied(small_store: Store, tmp_path: Path) -> Store:
    """small_store as a.zarr in the current folder."""
    return Store(shutil.copytree(small_store.path, tmp_path / "a.zarr"))


# render


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
    second = record(cli("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json"))
    assert (second["rendered"], second["skipped"], second["pixels"]) == (0, 4, 0)


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
    assert "1 shard to repair" in cli("verify", "a.zarr").stdout


# export


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


# preview, plan, presets


def test_preview_is_the_picture_small(scene: Scene, cli: Cli, tmp_path: Path) -> None:
    assert (
        ok(cli("preview", "a.toml", "-o", "new/a.png", "--width", "60")) == "new/a.png: 60 × 40\n"
    )
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (60, 40))
        np.testing.assert_array_equal(np.asarray(image), preview(scene, 60))
        assert isinstance(image, PngImageFile)
        assert image.text["tilecppn"] == scene.to_toml()
    ok(cli("preview", "a.toml", "-o", "new/a.png", "--set", "cppn.channels=1"))
    with Image.open(tmp_path / "new" / "a.png") as image:
        assert (image.mode, image.size) == ("L", (1024, 689))


def test_plan_counts_levels_shards_tiles_and_bytes(
    small_scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(small_scene.to_toml())
    plan = record(cli("plan", "a.toml", "--json", "--workers", "2"))
    # 700 × 501, 350 × 251, 175 × 126, 88 × 63, 44 × 32 in tiles of 64 and shards of 256.
    assert {key: plan[key] for key in ("width", "height", "levels", "shards", "tiles")} == {
        "width": 700,
        "height": 501,
        "levels": 5,
        "shards": 6 + 2 + 1 + 1 + 1,
        "tiles": 88 + 24 + 6 + 2 + 1,
    }
    assert plan["bytes"] == 3 * (700 * 501 + 350 * 251 + 175 * 126 + 88 * 63 + 44 * 32)
    assert 0.01 * plan["bytes"] < plan["stored"] < plan["bytes"]
    assert plan["free"] > 0
    assert plan["worker_memory"] > 256 * 256 * 3
    assert plan["workers"] == 2
    assert plan["pixels_per_second"] > 0
    text = ok(cli("plan", "a.toml"))
    assert [line.split()[0] for line in text.splitlines()] == [
        "canvas",
        "levels",
        "bytes",
        "memory",
        "time",
    ]
    assert "700 × 501" in text
    assert "11 shards" in text
    assert "121 tiles" in text


def test_plan_counts_the_workers_that_render_would_have(
    small_scene: Scene, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(machine, "cores", lambda: 12)
    monkeypatch.setattr(machine, "gpus", lambda: 2)
    (tmp_path / "a.toml").write_text(small_scene.to_toml())
    plan = record(cli("plan", "a.toml", "--json", "--kernel", "llvm"))
    assert (plan["workers"], plan["threads"]) == (2, 6)
    of_one = Plan.of(small_scene.canvas, small_scene.output, small_scene.channels)
    assert plan["worker_memory"] == worker_memory(of_one, 6) == 6 * worker_memory(of_one)
    assert "2 workers of 6 threads" in ok(cli("plan", "a.toml", "--kernel", "llvm"))


def largest(side: int = 2**31 - 1) -> list[str]:
    options = [f"--set=canvas.{name}={side}" for name in ("width", "height")]
    return [*options, "--set=output.shard=4096", "--workers=1"]


def disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr("tilecppn.run.estimates.free_disk", lambda path: (Path("/disk"), free))


def test_plan_of_the_largest_canvas_takes_no_longer(
    scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    side, options = 2**31 - 1, largest()
    disk(monkeypatch, 10**20)
    plan = record(cli("plan", "a.toml", *options, "--json"))
    assert (plan["width"], plan["levels"]) == (side, 26)
    assert plan["shards"] > (2**19) ** 2


def test_plan_refuses_what_cannot_fit_on_the_disk(
    scene: Scene, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("plan", "a.toml", *largest())
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    # By its samples only: what they come to is shown.
    disk(monkeypatch, 10**20)
    stored = record(cli("plan", "a.toml", *largest(2**12), "--json"))["stored"]
    disk(monkeypatch, stored - 1)
    done = cli("plan", "a.toml", *largest(2**12), "--json")
    assert done.exit_code == 2
    assert "/disk" in done.stderr
    assert json.loads(done.stdout)["stored"] == stored


def test_plan_and_preview_of_a_timeline(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "film.toml").write_text(
        "[canvas]\nwidth = 40\nheight = 30\n[film]\nseconds = 2\nfps = 10\n"
        "[[keyframe]]\ntime = 0\nview.rotation = 0\n[[keyframe]]\ntime = 2\nview.rotation = 90\n"
    )
    plan = record(cli("plan", "film.toml", "--json"))
    assert (plan["frames"], plan["width"], plan["height"]) == (20, 40, 30)
    assert plan["stored"] > 0
    assert "20 frames of 40 × 30" in ok(cli("plan", "film.toml"))
    ok(cli("preview", "film.toml", "-o", "a.png", "--width", 40, "--time", 1))
    film = Timeline.load(tmp_path / "film.toml")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), preview(film.scene(10), 40))
    for time in ("2", "-1", "nan"):
        assert cli("preview", "film.toml", "-o", "b.png", "--time", time).exit_code == 2
    assert cli("preview", "a.png", "-o", "b.png", "--time", 1).exit_code == 2


def test_presets_lists_presets_and_activations(cli: Cli) -> None:
    listed = record(cli("presets", "--json"))
    assert set(listed["presets"]) == set(PRESETS)
    assert set(listed["activations"]) == set(ACTIVATIONS)
    assert listed["presets"]["hardmaru"]["activations"] == ["tanh"] * 4
    words = ok(cli("presets")).split()
    assert set(words) >= {*PRESETS, *ACTIVATIONS}


# status, verify


def test_status_counts_level_by_level(copied: Store, cli: Cli) -> None:
    whole = record(cli("status", "a.zarr", "--json"))
    assert (whole["finished"], whole["shards"], whole["done"]) == (True, 11, 11)
    assert whole["fingerprint"] == copied.scene.fingerprint
    assert whole["arithmetic"] == copied.arithmetic._asdict()
    (copied.path / "0" / "c" / "0" / "1" / "2").unlink()
    part = record(cli("status", "a.zarr", "--json"))
    assert (part["finished"], part["done"]) == (False, 10)
    assert part["levels"][0] == {"level": 0, "width": 700, "height": 501, "shards": 6, "done": 5}
    assert [level["done"] for level in part["levels"]] == [5, 2, 1, 1, 1]
    text = ok(cli("status", "a.zarr"))
    assert text.startswith("a.zarr: not finished, 10 of 11 shards\n")
    assert re.search(r"level +0 +700 × 501 +5 of 6 shards", text)


def test_verify_finds_what_is_damaged_and_missing(copied: Store, cli: Cli) -> None:
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    before = tree(copied.path)
    damaged, missing = (copied.path / "0" / "c" / "0" / place for place in ("0/1", "1/2"))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    missing.unlink()

    result = cli("verify", "a.zarr")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "level 0 row 0 column 1: damaged",
        "level 0 row 1 column 2: missing",
        "a.zarr: 2 shards to repair: tilecppn verify a.zarr --repair",
    ]
    result = cli("verify", "a.zarr", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "store": "a.zarr",
        "misdescribed": [],
        "damaged": [[0, 0, 1]],
        "missing": [[0, 1, 2]],
    }

    repaired = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert repaired["damaged"] == [[0, 0, 1]]
    # Two of level 0, and those above them: 2 + 1 + 1 + 1.
    assert repaired["rendered"] == 7
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


@pytest.mark.parametrize("damage", ["missing", "broken", "wrong"])
def test_verify_mends_a_levels_description(damage: str, copied: Store, cli: Cli) -> None:
    """The shards are sound: none is drawn again."""
    before = tree(copied.path)
    description = copied.path / "0" / "zarr.json"
    right = description.read_bytes()
    description.unlink()
    if damage != "missing":
        description.write_bytes(b"{" if damage == "broken" else right.replace(b"700", b"70"))
    result = cli("verify", "a.zarr")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "0/zarr.json: missing, damaged or wrong",
        "a.zarr: 1 description to repair: tilecppn verify a.zarr --repair",
    ]
    refused = cli("export", "a.zarr", "a.png")
    assert refused.exit_code == 2
    assert "a.zarr: 0/zarr.json is missing, damaged or wrong; run" in refused.stderr
    repaired = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert repaired["rendered"] == 0
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('"zarr_format": 3', '"zarr_format": 2'), ('"group"', '"grouq"'), ('"multis', '"nultis')],
)
def test_verify_mends_the_groups_description(
    right: str, wrong: str, copied: Store, cli: Cli
) -> None:
    """We read the arrays without it; zarr-python and others do not."""
    group = copied.path / "zarr.json"
    text = group.read_text()
    assert right in text
    group.write_text(text.replace(right, wrong, 1))
    result = cli("verify", "a.zarr")
    assert result.stdout.splitlines()[0] == "zarr.json: missing, damaged or wrong"
    assert record(cli("verify", "a.zarr", "--repair", "--json"))["rendered"] == 0
    found, expected = json.loads(group.read_bytes()), json.loads(text)
    found["attributes"]["ome"]["multiscales"][0]["name"] = ANY  # lost with the rest
    assert found == expected
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"


@pytest.mark.parametrize("place", ["0", "1", "0/zarr.json", "0/c/0/0/1"])
def test_verify_mends_what_is_a_file_for_a_folder_or_the_other_way(
    place: str, copied: Store, cli: Cli
) -> None:
    before = tree(copied.path)
    path = copied.path / place
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("?")
    else:
        path.unlink()
        (path / "inner").mkdir(parents=True)
    assert cli("verify", "a.zarr").exit_code == 1
    ok(cli("verify", "a.zarr", "--repair"))
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


def test_verify_finds_nothing_to_repair_in_a_sound_store(copied: Store, cli: Cli) -> None:
    before = tree(copied.path)
    sound = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert (sound["damaged"], sound["missing"]) == ([], [])
    assert tree(copied.path) == before


# Help


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_every_verbs_help_shows_an_example(verb: str, option: str, cli: Cli) -> None:
    text = ok(cli(verb, option))
    assert text.startswith(f"Usage: tilecppn {verb} ")
    lines = [line.strip() for line in text.splitlines()]
    assert any(line.startswith(f"tilecppn {verb}") for line in lines)


def test_exports_help_lists_every_suffix_and_layout(cli: Cli) -> None:
    words = set(re.split(r"[\s,]+", ok(cli("export", "--help"))))
    assert words >= {*EXPORTERS, *LAYOUTS}


def test_animates_help_lists_every_suffix_and_codec(cli: Cli) -> None:
    text = ok(cli("animate", "--help"))
    for suffix, container in CONTAINERS.items():
        assert re.search(rf"^  {suffix} +{', '.join(container.codecs)}$", text, re.MULTILINE)
    for name in (*ANIMATIONS, *CODECS):
        assert re.search(rf"^  {name} +\S", text, re.MULTILINE)


def test_help_lists_every_verb_of_the_contract_so_far(cli: Cli) -> None:
    text = ok(cli("--help"))
    listed = text.partition("Commands:")[2]
    verbs = {"render", "export", "preview", "plan", "status", "verify", "view", "presets"}
    assert set(COMMANDS) >= verbs
    for verb in COMMANDS:
        assert re.search(rf"^  {verb} +\S", listed, re.MULTILINE)
    assert any(line.strip().startswith("tilecppn render") for line in text.splitlines())


def test_version_is_the_packages(cli: Cli) -> None:
    from tilecppn import __version__

    assert ok(cli("--version")) == f"tilecppn, version {__version__}\n"


def test_without_a_verb_help_is_shown(cli: Cli) -> None:
    result = cli()
    assert result.exit_code == 2
    assert "Commands:" in result.output


# As real processes


def loaded(code: str, folder: Path, *modules: str) -> set[str]:
    """Which of `modules` a fresh Python has imported after `code`."""
    script = f"import sys\n{code}\nprint(*(m for m in {modules!r} if m in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(result.stdout.splitlines()[-1].split())


CALL = "from tilecppn.cli import main; main({!r}, standalone_mode=False)"


@pytest.mark.parametrize("arguments", [["--help"], ["render", "--help"], ["export", "--help"]])
def test_help_waits_for_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = CALL.format(arguments)
    assert loaded(code, tmp_path, "torch", "zarr", "numpy", "ray", "PIL") == set()


def test_preview_never_imports_ray_nor_zarr(scene: Scene, tmp_path: Path) -> None:
    code = CALL.format(["preview", "a.toml", "-o", "a.png", "--width", "20"])
    assert loaded(code, tmp_path, "ray", "zarr", "numpy") == {"numpy"}


def test_a_local_render_never_imports_ray(scene: Scene, tmp_path: Path) -> None:
    code = CALL.format(["render", "a.toml", "-o", "a.zarr", *LOCAL])
    assert loaded(code, tmp_path, "ray", "zarr") == {"zarr"}


def test_results_go_to_stdout_and_progress_to_stderr(scene: Scene, tilecppn: Run) -> None:
    rendered = tilecppn("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json", "--export", "a.png")
    assert rendered.returncode == 0, rendered.stderr
    assert json.loads(rendered.stdout)["rendered"] == 4
    assert rendered.stdout.count("\n") == 1
    assert "4 shards" in rendered.stderr
    assert "Warning" not in rendered.stderr
    verified = tilecppn("verify", "a.zarr")
    assert (verified.returncode, verified.stdout) == (0, "a.zarr: complete and undamaged\n")


@pytest.mark.parametrize(
    "arguments", [("presets",), ("--help",), ("status", "a.zarr"), ("render", "--help")]
)
def test_a_reader_that_goes_away_meets_no_traceback(
    arguments: tuple[str, ...], copied: Store, tilecppn: Run
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "tilecppn", *arguments],
            cwd=copied.path.parent,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            _, stderr = process.communicate(timeout=60)
    finally:
        os.close(writing)
    assert stderr == ""
    assert process.returncode in (0, 1, 141, -signal.SIGPIPE)


# As a shell starts what ends with &: it ignores the interrupt.
VIEW = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
from tilecppn.cli import main
main(prog_name="tilecppn")
"""


@contextlib.contextmanager
def viewing(path: Path) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    """`tilecppn view`, and the address that it prints."""
    with subprocess.Popen(
        [sys.executable, "-c", VIEW, "view", str(path), "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_view_serves_an_export_until_it_is_interrupted(
    number: signal.Signals, copied: Store, cli: Cli, tmp_path: Path
) -> None:
    ok(cli("export", "a.zarr", "a.dzi"))
    with viewing(tmp_path / "a.dzi") as (process, address):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urllib.request.urlopen(address, timeout=30) as response:
            assert response.read() == (tmp_path / "a.html").read_bytes()
        with urllib.request.urlopen(f"{address}a_files/10/2_1.png", timeout=30) as response:
            assert response.read() == (tmp_path / "a_files" / "10" / "2_1.png").read_bytes()
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode in (0, 130)
    assert stdout == ""
    assert stderr == "Ctrl-C ends it\n"


# Where nobody can hear


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-", "2> >(exec true)"])
def test_work_goes_on_where_stderr_cannot_be_written(stderr: str, tmp_path: Path) -> None:
    """A full disk under a log, a service without stderr, a pipe whose reader has gone."""
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 300\nheight = 200\n")
    command = f'"{sys.executable}" -m tilecppn'
    script = (
        f"{command} render a.toml -o a.zarr --executor local --json {stderr} || exit 1\n"
        f"{command} verify b.zarr {stderr}\n"
        "[ $? = 2 ]"
    )
    result = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0
    assert json.loads(result.stdout)["rendered"] == 1
