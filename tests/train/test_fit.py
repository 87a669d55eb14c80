"""A CPPN that learns one picture."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import tilecppn as tc
from tilecppn.cli import main
from tilecppn.cppn import CPPN
from tilecppn.errors import DataError, Interrupted, TrainingDivergedError
from tilecppn.exporters.output.atomic import claimed
from tilecppn.scene.scene import Scene
from tilecppn.train.fit import Progress, fit_image, fresh, psnr_of
from tilecppn.train.settings import FitSettings

CPU = torch.device("cpu")
SMALL = FitSettings(width=24, activations=("sin", "sin"), batch=256, learning_rate=0.01)


def picture(width: int = 40, height: int = 24, mode: str = "RGB") -> Image.Image:
    """A wave and a disc: smooth, with an edge."""
    y, x = np.mgrid[0:height, 0:width] / min(width, height)
    disc = (x - 0.7) ** 2 + (y - 0.4) ** 2 < 0.06
    planes = [0.5 + 0.4 * np.sin(9 * x + 3 * y), np.where(disc, 0.9, 0.2), x / x.max()]
    pixels = np.rint(255 * np.stack(planes, -1)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_it_learns_and_a_scene_of_its_size_draws_its_pixels(tmp_path: Path, mode: str) -> None:
    """Not square, so that a wrong axis or offset shows."""
    told: list[Progress] = []
    image = picture(mode=mode)
    fit = fit_image(
        image, tmp_path / "m.safetensors", SMALL, max_steps=400, device=CPU, listeners=[told.append]
    )
    assert fit.steps == 400
    assert fit.psnr > 24
    assert [p.steps for p in told] == sorted(p.steps for p in told)
    assert told[-1].psnr == fit.psnr > told[0].psnr + 5
    scene = Scene.of(
        cppn={"weights": str(tmp_path / "m.safetensors")}, canvas={"width": 40, "height": 24}
    )
    drawn = tc.preview(scene, width=40)
    original = np.asarray(image).reshape(24, 40, -1)
    assert psnr_of(original, drawn) == pytest.approx(fit.psnr, abs=0.05)
    assert np.array_equal(told[-1].drawn.shape, drawn.shape)


def test_the_same_seed_and_steps_give_the_same_file(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for path, seed in zip(files, (0, 0, 1), strict=True):
        settings = FitSettings(seed=seed, width=8, activations=("sin", "tanh"), batch=64)
        fit_image(picture(), path, settings, max_minutes=9, max_steps=20, device=CPU)
    first, second, other = (path.read_bytes() for path in files)
    assert first == second
    assert first != other


@pytest.mark.parametrize("looks", [0, 5, 21])
def test_a_stop_keeps_what_was_learned_without_drawing_it(tmp_path: Path, looks: int) -> None:
    """At a step, or in the midst of a check, which takes long for a large picture."""
    count, told = itertools.count(), list[Progress]()
    model = tmp_path / "m.safetensors"
    with pytest.raises(Interrupted, match="stopped") as error:
        fit_image(
            picture(), model, SMALL, max_steps=240, device=CPU, listeners=[told.append],
            stopping=lambda: next(count) >= looks,
        )  # fmt: skip
    assert error.value.exit_code == 130
    assert not told
    assert model.exists() == (looks > 0)
    if looks:
        fit_image(picture(), tmp_path / "n.safetensors", SMALL, max_steps=240, device=CPU)
        assert CPPN.load(model).structure == CPPN.load(tmp_path / "n.safetensors").structure


def test_it_ends_when_it_is_good_enough(tmp_path: Path) -> None:
    fit = fit_image(
        picture(), tmp_path / "m.safetensors", SMALL, max_steps=4000, psnr=15.0, device=CPU
    )
    assert fit.psnr >= 15
    assert fit.steps < 2000


def test_psnr() -> None:
    a = np.zeros((4, 4, 1), np.uint8)
    assert psnr_of(a, a) == np.inf
    assert psnr_of(a, a + 255) == 0.0
    assert psnr_of(a, a + 16) == pytest.approx(20 * np.log10(255 / 16))


def test_first_frequencies_follow_the_pictures_size() -> None:
    """Up to half a radian a pixel: half as many pixels a unit of the plane, half the frequency."""
    tops = []
    for side in (64, 128):
        cppn = fresh(FitSettings(), np.zeros((side, 2 * side, 3), np.uint8))
        weight = cppn.layers[0][0]
        assert not weight[:, 2].any()
        tops.append(abs(weight).max())
    assert tops[0] == pytest.approx(0.5 * 64 / 2, rel=0.02)
    assert tops[1] == pytest.approx(2 * tops[0], rel=1e-6)


def test_any_activations_will_do(tmp_path: Path) -> None:
    settings = FitSettings(width=8, activations=("tanh", "relu"), batch=64)
    fit_image(picture(), tmp_path / "m.safetensors", settings, max_steps=5, device=CPU)
    assert CPPN.load(tmp_path / "m.safetensors").structure.activations == ("tanh", "relu")


def test_nan_ends_it(tmp_path: Path) -> None:
    settings = FitSettings(width=8, activations=("square", "square"), learning_rate=1e20)
    with pytest.raises(TrainingDivergedError, match="NaN in step"):
        fit_image(picture(), tmp_path / "m.safetensors", settings, max_steps=500, device=CPU)


def test_too_small(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="40 × 3: must have 8 pixels a side"):
        fit_image(picture(40, 3), tmp_path / "m.safetensors", SMALL, max_steps=5, device=CPU)


def test_the_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture().save("in.png")
    command = ["fit", "in.png", "-o", "m.safetensors", "--max-steps", "40", "--width", "8"]
    done = CliRunner().invoke(main, [*command, "--preview", "out.png", "--json"])
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["steps"] == 40
    assert (record["width"], record["height"]) == (40, 24)
    assert "dB" in done.stderr
    with Image.open(tmp_path / "out.png") as preview:
        assert psnr_of(np.asarray(picture()), np.asarray(preview)) == pytest.approx(
            record["psnr"], abs=0.01
        )
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "is there already" in again.stderr


def test_one_command_at_a_time_writes_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture().save("in.png")
    with claimed(Path("m.safetensors")):
        done = CliRunner().invoke(main, ["fit", "in.png", "-o", "m.safetensors"])
    assert done.exit_code == 2
    assert "m.safetensors is in use by another process" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.png", "-o", "m.safetensors"), "none.png: cannot be read as an image"),
        (("bad.png", "-o", "m.safetensors"), "bad.png: cannot be read as an image"),
        (("in.png", "-o", "m.pt"), "m.pt: a model is a .safetensors file"),
        (("in.png", "-o", "m.safetensors", "--learning-rate", "-1"), "--learning-rate = -1.0"),
        (("in.png", "-o", "m.safetensors", "--activations", "sin,zin"), "--activations"),
        (("in.png", "-o", "m.safetensors", "--resize", "70000"), "--resize"),
        (("in.png", "-o", "m.safetensors", "--preview", "in.png"), "was not made by tilecppn"),
    ],
)
def test_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    picture().save("in.png")
    Path("bad.png").write_bytes(b"not an image")
    done = CliRunner().invoke(main, ["fit", *arguments])
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("error")]) == 1
    assert not list(tmp_path.glob("m.*"))
