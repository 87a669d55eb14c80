"""Trainings as a whole: resume, stops, checkpoints, what they leave, and what they refuse."""

import csv
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from tilecppn.cppn import CPPN
from tilecppn.errors import (
    CheckpointError,
    DataError,
    Interrupted,
    InvalidRequestError,
    TrainingDivergedError,
)
from tilecppn.scene.sections import View
from tilecppn.train import checkpoint, noise
from tilecppn.train.curriculum import Stage, sizes
from tilecppn.train.curves import Curves, Losses, Point, plot
from tilecppn.train.data.images import Images
from tilecppn.train.events import BatchDone, Event, Saved, StageBegan, Started, Stopping
from tilecppn.train.places import checkpoints
from tilecppn.train.trainer import Trainer
from tilecppn.train.training import Outcome, train_model

TINY: dict[str, Any] = {
    "width": 6,
    "encoder_width": 8,
    "discriminator_width": 2,
    "z_dim": 3,
    "batch": 4,
    "epochs": 3,
    "keep_prob": 0.9,
}


def images(count: int = 10, side: int = 10, channels: int = 1, seed: int = 0) -> Images:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, side, side, channels), np.uint8)
    return Images("test", pixels, np.arange(count) % 2, ("even", "odd"))


def train(
    folder: Path,
    given: dict[str, Any] | None = None,
    *,
    stop_after: int | None = None,
    **options: Any,
) -> Outcome:
    options.setdefault("images", images())
    if stop_after is not None:
        stop = StopAfter(stop_after)
        options["listeners"] = [*options.get("listeners", ()), stop]
        options["stopping"] = lambda: stop.reached
    return train_model(
        options.pop("images"), folder / "m.safetensors", {**TINY, **(given or {})}, **options
    )


class StopAfter:
    """A listener that wants the training to stop after so many batches."""

    def __init__(self, batches: int) -> None:
        self.batches = batches
        self.reached = False

    def __call__(self, event: Event) -> None:
        self.reached |= isinstance(event, BatchDone) and event.point.batch == self.batches


def same_files(a: Path, b: Path, *names: str) -> None:
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def csv_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "losses.csv").open() as file:
        return list(csv.DictReader(file))


def without_seconds(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 6 batches: 3 epochs of 2."""
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = train(folder)
    assert (outcome.batches, outcome.epochs) == (6, 3.0)
    return folder


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_resume_is_bit_for_bit(tmp_path: Path, undisturbed: Path, stop_after: int) -> None:
    told: list[Event] = []
    with pytest.raises(Interrupted, match="same command goes on") as error:
        train(tmp_path, listeners=[told.append], stop_after=stop_after)
    assert [type(event) for event in told[-2:]] == [Stopping, Saved]
    assert error.value.exit_code == 130
    last = checkpoints(tmp_path / "m.training")[-1]
    assert int(last.name) == stop_after
    assert (tmp_path / "m.safetensors").read_bytes() == (last / "model.safetensors").read_bytes()
    assert train(tmp_path).batches == 6
    same_files(tmp_path, undisturbed, "m.safetensors")
    mine, theirs = (checkpoints(f / "m.training")[-1] for f in (tmp_path, undisturbed))
    same_files(mine, theirs, "model.safetensors", "optimisers.safetensors")
    rows, wanted = (csv_rows(f / "m.training") for f in (tmp_path, undisturbed))
    assert without_seconds(rows) == without_seconds(wanted)


def test_the_same_seed_gives_the_same_and_another_does_not(
    tmp_path: Path, undisturbed: Path
) -> None:
    train(tmp_path / "a")
    same_files(tmp_path / "a", undisturbed, "m.safetensors")
    train(tmp_path / "b", {"seed": 1})
    a, b = ((p / "m.safetensors").read_bytes() for p in (undisturbed, tmp_path / "b"))
    assert a != b


def test_from_any_checkpoint(tmp_path: Path, undisturbed: Path) -> None:
    third = undisturbed / "m.training/checkpoints/00000004"
    train(tmp_path, start=third)
    same_files(tmp_path, undisturbed, "m.safetensors")
    rows = csv_rows(tmp_path / "m.training")
    assert [row["batch"] for row in rows] == ["5", "6"]


def test_an_earlier_checkpoint_does_not_cost_the_later_ones(
    tmp_path: Path, undisturbed: Path
) -> None:
    shutil.copytree(undisturbed, tmp_path / "copy")
    second = tmp_path / "copy/m.training/checkpoints/00000002"
    with pytest.raises(CheckpointError, match=r"00000004 is later and sound.*another --save-dir"):
        train(tmp_path / "copy", start=second)
    assert len(checkpoints(tmp_path / "copy/m.training")) == 3


def test_more_epochs_go_on(tmp_path: Path, undisturbed: Path) -> None:
    shutil.copytree(undisturbed, tmp_path / "copy")
    assert train(tmp_path / "copy").batches == 6  # nothing left to do
    assert train(tmp_path / "copy", {"epochs": 4}).batches == 8
    train(tmp_path / "straight", {"epochs": 4})
    same_files(tmp_path / "copy", tmp_path / "straight", "m.safetensors")


def test_the_last_n_checkpoints_stay(tmp_path: Path) -> None:
    train(tmp_path, {"epochs": 4}, keep=2)
    names = [p.name for p in checkpoints(tmp_path / "m.training")]
    assert names == ["00000006", "00000008"]


def test_what_a_training_leaves(undisturbed: Path) -> None:
    folder = undisturbed / "m.training"
    rows = csv_rows(folder)
    assert [int(row["batch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [int(row["epoch"]) for row in rows] == [0, 0, 1, 1, 2, 2]
    assert all(np.isfinite(float(row[k])) for row in rows for k in ("vae", "g", "d", "seconds"))
    assert all(int(row["vae_updates"]) == 4 for row in rows)
    with Image.open(folder / "losses.png") as plot:
        assert len(plot.convert("RGB").getcolors(1 << 20) or []) > 20
    # 5 × 5 pictures twice, 8 × 5 pixels each, with gaps of 2.
    with Image.open(folder / "sheets/00000006-samples.png") as sheet:
        assert sheet.size == (2 * (5 * 42 + 2), 5 * 42 + 2)
    # A column for each label, 3 rows.
    with Image.open(folder / "sheets/00000006-reconstructions.png") as sheet:
        assert sheet.size == (2 * 42 + 2, 3 * 42 + 2)
    assert json.loads((folder / "training.json").read_text())["tilecppn"] == "training"


def test_events_tell_it_all(tmp_path: Path) -> None:
    told: list[Event] = []
    train(tmp_path, listeners=[told.append])
    assert isinstance(told[0], Started)
    assert (told[0].count, told[0].size, told[0].batches, told[0].done) == (10, 8, 6, 0)
    assert [e.point.batch for e in told if isinstance(e, BatchDone)] == [1, 2, 3, 4, 5, 6]
    assert [int(e.checkpoint.name) for e in told if isinstance(e, Saved)] == [2, 4, 6]


def test_the_model_is_an_ordinary_weights_file(undisturbed: Path) -> None:
    cppn = CPPN.load(undisturbed / "m.safetensors")
    assert cppn.structure.preset == "hardmaru-gan-vae"
    assert cppn.channels == 1
    assert dict(cppn.structure.view) == {"scale": 8.0, "aspect": "stretch", "grid": "endpoints"}
    tensors = load_file(undisturbed / "m.safetensors")
    others = {name.split(".")[0] for name in tensors if not name.startswith("layers.")}
    assert others == {"encoder", "discriminator"}


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"model": "gan"}, {}),
        ({"model": "vae"}, {}),
        ({"reconstruction": "l2", "flip": True, "residual": True}, {"images": images(channels=3)}),
        ({"model": "gan-vae"}, {"precision": "mixed"}),
    ],
)
def test_other_trainings_resume_too(
    tmp_path: Path, given: dict[str, Any], options: dict[str, Any]
) -> None:
    train(tmp_path / "straight", given, **options)
    with pytest.raises(Interrupted):
        train(tmp_path / "stopped", given, **options, stop_after=3)
    train(tmp_path / "stopped", given, **options)
    same_files(tmp_path / "straight", tmp_path / "stopped", "m.safetensors")


def test_minutes_end_a_training_with_a_checkpoint(tmp_path: Path) -> None:
    outcome = train(tmp_path, max_minutes=1e-9)
    assert outcome.batches == 1
    assert outcome.checkpoint.name == "00000001"


# NaN and explosions.


def spoil(monkeypatch: pytest.MonkeyPatch, after: int, value: float) -> None:
    """From batch `after` on, all losses are `value`."""
    learn = Trainer.learn
    batches = iter(range(1000))
    real = Trainer._losses

    def spoiled(self: Trainer, *arguments: Any) -> Any:
        own, total = real(self, *arguments)
        return own * 0 + value, total

    def counted(self: Trainer, x: torch.Tensor) -> Losses:
        if next(batches) == after:
            monkeypatch.setattr(Trainer, "_losses", spoiled)
        return learn(self, x)

    monkeypatch.setattr(Trainer, "learn", counted)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2e6])
def test_a_diverged_training_keeps_the_last_good_checkpoint(
    tmp_path: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    spoil(monkeypatch, 3, value)
    with pytest.raises(TrainingDivergedError) as error:
        train(tmp_path)
    assert "the last good checkpoint is" in str(error.value)
    assert "00000002" in str(error.value)
    assert "learning rate" in str(error.value)
    assert error.value.exit_code == 1
    good = tmp_path / "m.training/checkpoints/00000002"
    same_files(good, undisturbed / "m.training/checkpoints/00000002", "model.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == (good / "model.safetensors").read_bytes()


def test_a_weight_that_is_nan_is_never_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = Trainer.learn

    def poisoned(self: Trainer, x: torch.Tensor) -> Losses:
        told = learn(self, x)
        with torch.no_grad():
            self.networks.g.biases[0][0] = float("nan")
        return told

    monkeypatch.setattr(Trainer, "learn", poisoned)
    with pytest.raises(TrainingDivergedError, match="there is no checkpoint yet"):
        train(tmp_path, max_minutes=1e-9)
    assert not checkpoints(tmp_path / "m.training")
    assert not (tmp_path / "m.safetensors").exists()


def test_an_absurd_learning_rate_diverges_by_itself(tmp_path: Path) -> None:
    with pytest.raises(TrainingDivergedError):
        train(tmp_path, {"learning_rate_vae": 1e30, "epochs": 30})


# Damaged checkpoints.


@pytest.fixture
def copied(tmp_path: Path, undisturbed: Path) -> Path:
    shutil.copytree(undisturbed, tmp_path / "copy")
    return tmp_path / "copy"


def flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit of the model": lambda p: flip_bit(p / "model.safetensors"),
    "a bit of the optimisers": lambda p: flip_bit(p / "optimisers.safetensors"),
    "a bit of the state": lambda p: flip_bit(p / "state.json"),
    "a truncated model": lambda p: (p / "model.safetensors").write_bytes(b"abc"),
    "an empty state": lambda p: (p / "state.json").write_bytes(b""),
    "a state of another kind": lambda p: (p / "state.json").write_bytes(b"[1, 2]"),
    "a missing file": lambda p: (p / "optimisers.safetensors").unlink(),
    "another counter": lambda p: (p / "state.json").write_text(
        (p / "state.json").read_text().replace('"batches": 6', '"batches": 5')
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_refused_and_the_one_before_offered(
    copied: Path, undisturbed: Path, damage: str
) -> None:
    there = checkpoints(copied / "m.training")
    DAMAGE[damage](there[-1])
    with pytest.raises(CheckpointError, match="damaged") as error:
        train(copied)
    assert str(there[-1]) in str(error.value)
    offered = str(error.value).rpartition("--from ")[2]
    assert offered == str(there[-2])
    # And the offer can be taken.
    assert train(copied, start=Path(offered)).batches == 6
    same_files(copied, undisturbed, "m.safetensors")


def test_the_only_checkpoint_damaged(copied: Path) -> None:
    first, *others = checkpoints(copied / "m.training")
    for other in others:
        shutil.rmtree(other)
    flip_bit(first / "model.safetensors")
    with pytest.raises(CheckpointError, match="there is none before it"):
        train(copied)


def test_a_checkpoint_of_other_shapes_is_refused(copied: Path) -> None:
    """Whole and sound, but not what its settings say."""
    last = checkpoints(copied / "m.training")[-1]
    tensors = load_file(last / "model.safetensors")
    tensors["encoder.mean.bias"] = np.zeros(7, np.float32)
    save_file(tensors, last / "model.safetensors")
    record = json.loads((last / "state.json").read_text())
    data = (last / "model.safetensors").read_bytes()
    record["sha256"]["model.safetensors"] = hashlib.sha256(data).hexdigest()
    record["sha256"]["state.json"] = checkpoint._own_hash(record)
    (last / "state.json").write_text(json.dumps(record))
    with pytest.raises(CheckpointError, match="do not fit its settings"):
        train(copied)


def test_a_pickle_is_never_opened(copied: Path) -> None:
    """A file that would run code if it were unpickled: neither as a model nor as a checkpoint."""
    mark = copied / "executed"
    code = f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()
    last = checkpoints(copied / "m.training")[-1]
    for name in ("model.safetensors", "optimisers.safetensors", "state.json"):
        whole = (last / name).read_bytes()
        (last / name).write_bytes(code)
        with pytest.raises(CheckpointError):
            train(copied)
        (last / name).write_bytes(whole)
    (copied / "m.safetensors").write_bytes(code)
    with pytest.raises(InvalidRequestError, match="no model"):
        train(copied)
    assert not mark.exists()


# What is refused before any work.


def test_other_settings_or_images_do_not_go_on(copied: Path) -> None:
    with pytest.raises(CheckpointError, match="was trained with --width 6, not 7"):
        train(copied, {"width": 7})
    with pytest.raises(CheckpointError, match="was trained on other images"):
        train(copied, images=images(seed=9))


def test_overwrite_trains_anew(copied: Path) -> None:
    last = checkpoints(copied / "m.training")[-1]
    with pytest.raises(InvalidRequestError, match="leave one out"):
        train(copied, overwrite=True, start=last)
    train(copied, {"width": 7, "epochs": 1}, overwrite=True)
    assert CPPN.load(copied / "m.safetensors").width == 7
    assert [p.name for p in checkpoints(copied / "m.training")] == ["00000002"]
    assert len(csv_rows(copied / "m.training")) == 2


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").write_text("precious")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.txt").write_text("precious")
    before = tree(tmp_path)
    with pytest.raises(InvalidRequestError, match="no model"):
        train(tmp_path, overwrite=True)
    with pytest.raises(InvalidRequestError, match="holds something else"):
        train_model(
            images(),
            tmp_path / "n.safetensors",
            TINY,
            save_dir=tmp_path / "photos",
            overwrite=True,
        )
    with pytest.raises(InvalidRequestError, match="ends so"):
        train_model(images(), tmp_path / "m.pt", TINY)
    with pytest.raises(CheckpointError, match="is no checkpoint"):
        train_model(images(), tmp_path / "n.safetensors", TINY, start=tmp_path / "none")
    assert tree(tmp_path) == before


def test_a_model_of_another_training_is_not_replaced(tmp_path: Path, undisturbed: Path) -> None:
    shutil.copy(undisturbed / "m.safetensors", tmp_path)
    with pytest.raises(
        InvalidRequestError, match="is there already; choose another name, or --overwrite"
    ):
        train(tmp_path)
    train(tmp_path, overwrite=True)


def test_too_few_or_too_small_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="3 images: set --batch"):
        train(tmp_path, images=images(3))
    with pytest.raises(DataError, match="--size must be from 4 to 10"):
        train(tmp_path, {"size": 11})
    assert not list(tmp_path.iterdir())


def test_one_training_at_a_time(tmp_path: Path) -> None:
    def second(event: Event) -> None:
        if isinstance(event, Started):
            with pytest.raises(InvalidRequestError, match="is in use by another process"):
                train(tmp_path)

    train(tmp_path, {"epochs": 1}, listeners=[second])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no CUDA device"):
        train(tmp_path, device="cuda")


# The curriculum.


def test_sizes_double_up_to_the_images_own() -> None:
    assert sizes(26) == [2, 4, 8, 16, 26]
    assert sizes(32) == [2, 4, 8, 16, 32]
    assert sizes(5) == [2, 4, 5]


def test_a_coarse_image_is_the_mean_of_its_cells_at_their_middle() -> None:
    view = View(scale=8.0, aspect="stretch", grid="endpoints")
    x = torch.rand(2, 16, 16, 3)
    stage = Stage(view, 16, 4, torch.device("cpu"))
    wanted = x.reshape(2, 4, 4, 4, 4, 3).mean((2, 4))
    assert torch.allclose(stage.coarse(x), wanted, atol=1e-6)
    assert stage.fine(stage.coarse(x)).shape == x.shape
    assert torch.allclose(stage.fine(wanted)[:, ::4, ::4], wanted)
    k = 8.0 * (2 * np.arange(16) / 15 - 1)
    means = k.reshape(4, 4).mean(1)
    np.testing.assert_allclose(stage.points[:4, 0], means, rtol=1e-6)
    np.testing.assert_allclose(stage.points[::4, 1], means, rtol=1e-6)
    whole = Stage(view, 16, 16, torch.device("cpu"))
    assert torch.equal(whole.coarse(x), x)
    np.testing.assert_allclose(whole.points[:16, 0], k, rtol=1e-6)


def test_a_curriculum_goes_up_and_resumes(tmp_path: Path) -> None:
    given = {"curriculum": True, "curriculum_epochs": 1, "epochs": 5}
    told: list[Event] = []
    train(tmp_path / "straight", given, listeners=[told.append])
    assert [e.side for e in told if isinstance(e, StageBegan)] == [2, 4, 8]
    sides = [int(row["side"]) for row in csv_rows(tmp_path / "straight/m.training")]
    assert sides == [2, 2, 4, 4, 8, 8, 8, 8, 8, 8]
    for stop_after in (1, 4):
        with pytest.raises(Interrupted):
            train(tmp_path / str(stop_after), given, stop_after=stop_after)
        train(tmp_path / str(stop_after), given)
        same_files(tmp_path / "straight", tmp_path / str(stop_after), "m.safetensors")


# Small parts.


def test_noise_depends_on_seed_and_counter_alone() -> None:
    cpu = torch.device("cpu")
    a, b = (torch.randn(5, generator=noise.generator(1, 7, cpu)) for _ in range(2))
    assert torch.equal(a, b)
    assert not torch.equal(a, torch.randn(5, generator=noise.generator(1, 8, cpu)))
    assert not torch.equal(a, torch.randn(5, generator=noise.generator(2, 7, cpu)))
    orders = [tuple(noise.order(0, epoch, 50)) for epoch in range(3)]
    assert all(sorted(o) == list(range(50)) for o in orders)
    assert len(set(orders)) == 3
    assert noise.flips(0, 0, 1000).mean() == pytest.approx(0.5, abs=0.06)


def test_curves_forget_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    curves = Curves(tmp_path, 0)
    for i in range(1, 5):
        curves.add(Point(i, 0, 26, float(i), Losses(0.5, None, 0.25, 4, 1, 0)))
    Curves(tmp_path, 2)
    rows = csv_rows(tmp_path)
    assert [row["batch"] for row in rows] == ["1", "2"]
    assert (rows[0]["vae"], rows[0]["g"], rows[0]["d"]) == ("0.5", "", "0.25")


LINE = "3,0,26,3.000,0.5,,0.25,4,1,0\n"


@pytest.mark.parametrize(
    "end", [*range(0, len(LINE), 4), len(LINE) - 1, len(LINE), "\0\0\0\n", "\N{SNOWMAN},1\n"]
)
def test_a_damaged_last_line_of_the_losses_does_not_block_resuming(
    tmp_path: Path, end: int | str
) -> None:
    """As a power cut leaves it: cut off anywhere, or zeros that were never written."""
    curves = Curves(tmp_path, 0)
    for i in (1, 2):
        curves.add(Point(i, 0, 26, float(i), Losses(0.5, None, 0.25, 4, 1, 0)))
    with (tmp_path / "losses.csv").open("a", encoding="utf-8") as file:
        file.write(LINE[:end] if isinstance(end, int) else end)
    Curves(tmp_path, 100)
    whole = end == len(LINE)
    assert [row["batch"] for row in csv_rows(tmp_path)] == ["1", "2", "3"][: 2 + whole]
    assert plot(tmp_path) == tmp_path / "losses.png"


# The command line, as processes.

TINY_OPTIONS = [
    f"--{name.replace('_', '-')}={value}" for name, value in TINY.items() if name != "epochs"
]


def write_images(folder: Path) -> None:
    folder.mkdir()
    for i, pixels in enumerate(images().pixels):
        Image.fromarray(pixels[..., 0]).save(folder / f"{i}.png")


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tilecppn", "train", "data", "-o", "m.safetensors"),
            *TINY_OPTIONS,
            *arguments,
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "signal_",
    [
        signal.SIGINT,
        pytest.param(signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_command_goes_on(tmp_path: Path, signal_: signal.Signals) -> None:
    write_images(tmp_path / "data")
    process = start(tmp_path, "--epochs=100000")
    first = tmp_path / "m.training/checkpoints/00000004"
    until = time.monotonic() + 60
    while not first.is_dir() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal_)
    _, errors = process.communicate(timeout=60)
    if signal_ != signal.SIGKILL:
        assert process.returncode == 130, errors
        assert errors.rstrip().splitlines()[-1].startswith("error: stopped after"), errors
    last = int(checkpoints(tmp_path / "m.training")[-1].name)
    again = start(tmp_path, f"--epochs={last // 2 + 2}", "--json")
    output, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    assert f"going on after {last} batches" in errors
    assert json.loads(output)["batches"] == (last // 2 + 2) * 2
    assert CPPN.load(tmp_path / "m.safetensors").width == 6
