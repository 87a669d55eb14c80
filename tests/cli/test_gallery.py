"""The gallery: each cell is the picture that its label gives, and nothing is drawn in vain."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tilecppn.exporters.contact_sheet import GAP, NARROWEST, Entry, contact_sheet, sheet_size
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene

SCENE = "[cppn]\nwidth = 6\ndepth = 2\nchannels = {}\n[canvas]\nwidth = 300\nheight = 200\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    for name, channels in (("a", 3), ("grey", 1)):
        (tmp_path / f"{name}.toml").write_text(SCENE.format(channels))


def cell_of(sheet: Any, row: int, column: int, lines: int = 1) -> Any:
    """Pixels of a 60 × 40 cell."""
    height = 40 + 4 + 17 * lines + GAP
    top, left = GAP + row * height, GAP + column * (NARROWEST + GAP)
    return sheet[top : top + 40, left : left + 60]


@pytest.mark.parametrize("name", ["a", "grey"])
def test_every_cell_is_what_its_label_says(cli: Cli, name: str, monkeypatch: Any) -> None:
    labels: list[Any] = []
    import tilecppn.exporters.contact_sheet as module

    def listening(entries: Any, columns: int, cell: Any) -> Any:
        labels.extend(entry.label for entry in entries)
        return contact_sheet(entries, columns, cell)

    monkeypatch.setattr(module, "contact_sheet", listening)
    done = cli("gallery", f"{name}.toml", "-o", "g.png", "--seeds", "3,7-10", "--width", 60)
    assert done.exit_code == 0, done.output
    assert labels == [[f"--set cppn.seed={seed}"] for seed in (3, 7, 8, 9, 10)]
    with Image.open("g.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    assert sheet.shape[1::-1] == sheet_size(5, 3, (60, 40), 1)
    for i, (label,) in enumerate(labels):
        option, _, override = label.partition(" ")
        assert option == "--set"
        expected = preview(Scene.load(f"{name}.toml", [override]), 60)
        assert np.array_equal(cell_of(sheet, *divmod(i, 3)), np.broadcast_to(expected, (40, 60, 3)))
    # Below each picture stands something, in ink.
    assert cell_of(sheet, 0, 0).shape == (40, 60, 3)
    assert sheet[GAP + 40 : GAP + 61, GAP : GAP + 60].min() < 100


def test_both_ranges_give_a_row_for_each_seed_and_a_column_for_each_latent(cli: Cli) -> None:
    done = cli(
        "gallery", "a.toml", "-o", "g.png", "--seeds", "1-2", "--latents", "4-6", "--width", 60,
        "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["pictures"] == 6
    assert record["files"] == ["g.png"]
    with Image.open("g.png") as image:
        sheet = np.asarray(image)
    for row, seed in enumerate((1, 2)):
        for column, latent in enumerate((4, 5, 6)):
            scene = Scene.load("a.toml", [f"cppn.seed={seed}", f"latent.seed={latent}"])
            assert np.array_equal(cell_of(sheet, row, column, lines=2), preview(scene, 60))


def test_without_ranges_there_are_25_seeds(cli: Cli) -> None:
    done = cli("gallery", "a.toml", "-o", "g.png", "--width", 20)
    assert "25 pictures" in done.output


def test_tall_canvases_fit_their_cells(cli: Cli) -> None:
    done = cli(
        "gallery", "a.toml", "-o", "g.png", "--seeds", "0-3", "--width", 50,
        "--set", "canvas.height=3000", "--columns", 4,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    with Image.open("g.png") as image:
        assert image.size == sheet_size(4, 4, (5, 50), 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "5-3"], "the smaller first"),
        (["--seeds", "a-b"], "write seeds as 0-24"),
        (["--palettes", "viridis_r"], "use --set output.palette=viridis_r"),
        (["--seeds", ""], "write seeds as 0-24"),
        (["--seeds", "0-9999999"], "at most 2500 seeds"),
        (["--latents", "-3"], "write seeds as 0-24"),
        (["--seeds", "0-99", "--latents", "0-99"], "use fewer seeds"),
        (["--seeds", "0-1999", "--width", "4096"], "smaller --width"),
        (["--seeds", str(2**63)], "the smaller first"),
        (["--latents", "0-3", "--set", "latent.z=[0, 0, 0, 0, 0, 0, 0, 0]"], "latent.z"),
        (["--width", "3"], "16"),
    ],
)
def test_what_cannot_be_drawn_is_refused(cli: Cli, arguments: list[str], words: str) -> None:
    done = cli("gallery", "a.toml", "-o", "g.png", *arguments)
    assert done.exit_code == 2
    assert words in done.output
    assert not Path("g.png").exists()


def test_other_files_are_spared(cli: Cli) -> None:
    Image.new("L", (4, 4)).save("g.png")
    assert cli("gallery", "a.toml", "-o", "g.png", "--seeds", 1).exit_code == 2
    assert cli("gallery", "a.toml", "-o", "g.bmp", "--seeds", 1).exit_code == 2


def test_networks_from_files_have_latents_only(cli: Cli) -> None:
    Scene.load("a.toml").cppn.save("net.safetensors")
    Path("net.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    assert "--latents" in cli("gallery", "net.toml", "-o", "g.png", "--seeds", 1).output
    done = cli("gallery", "net.toml", "-o", "g.png", "--latents", "0-1", "--width", 20)
    assert done.exit_code == 0, done.output


def test_long_labels_are_written_smaller() -> None:
    white = np.full((40, 160, 3), 255, np.uint8)
    entry = Entry(white, ["--set cppn.seed=9223372036854775807"])
    sheet = contact_sheet([entry] * 2, 2, (160, 40))
    assert (sheet[:, GAP + 160 : GAP + 162] == sheet[0, 0]).all()  # nothing in the gap


@pytest.mark.parametrize("line", ["--set cppn.seed=100", "--set cppn.seed=9223372036854775807"])
def test_labels_of_narrow_cells_keep_apart_and_show_their_end(line: str) -> None:
    entry = Entry(np.zeros((40, 20, 1), np.uint8), [line])
    sheet = contact_sheet([entry] * 2, 2, (20, 40))
    first, second = GAP, GAP + NARROWEST + GAP
    gap = sheet[:, first + NARROWEST + 2 : second]
    assert (gap == sheet[0, 0]).all()
    other = Entry(entry.picture, [line[:-1] + "1"])
    assert not np.array_equal(sheet, contact_sheet([entry, other], 2, (20, 40)))
