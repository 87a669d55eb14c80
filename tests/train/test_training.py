"""Trainings as a whole: resume, stops, checkpoints, what they leave, and what they refuse."""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

from tests.stores import tree
from tests.train.runs import TINY, csv_rows, images, same_files, train
from tilecppn.cppn import CPPN
from tilecppn.errors import CheckpointError, DataError, Interrupted, InvalidRequestError
from tilecppn.train import checkpoint, noise
from tilecppn.train.checks import checkpoints
from tilecppn.train.events import BatchDone, Event, Saved, Started, Stopping
from tilecppn.train.training import train_model


def without_seconds(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


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


@pytest.mark.parametrize("update", [1, 4, 6])
def test_a_stop_between_updates_leaves_whole_batches(
    tmp_path: Path, undisturbed: Path, update: int
) -> None:
    """By a look at the request, or by an exception: neither waits for the end of the batch."""
    looks = itertools.count()
    with pytest.raises(Interrupted, match="stopped"):
        train(tmp_path, stopping=lambda: next(looks) >= 8 + update)
    done = [int(path.name) for path in checkpoints(tmp_path / "m.training")]
    assert len(done) == 1
    assert not (tmp_path / "m.training" / "sheets").exists()  # they take longest
    train(tmp_path)
    same_files(tmp_path, undisturbed, "m.safetensors")


def test_a_stop_in_the_fourth_batch_leaves_three(tmp_path: Path, undisturbed: Path) -> None:
    """Its state before was copied over the state before the third."""
    looks = itertools.count()
    with pytest.raises(Interrupted, match="stopped"):
        train(tmp_path, stopping=lambda: next(looks) >= 30)
    assert checkpoints(tmp_path / "m.training")[-1].name == "00000003"
    train(tmp_path)
    same_files(tmp_path, undisturbed, "m.safetensors")


def test_a_stop_within_the_first_batch_leaves_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="nothing was written"):
        train(tmp_path, stopping=lambda: True)
    assert not checkpoints(tmp_path / "m.training")
    assert not (tmp_path / "m.safetensors").exists()


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
    with pytest.raises(CheckpointError, match=r"00000004 is later and sound.*another save_dir"):
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
    offered = str(error.value).rpartition("start ")[2]
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
    with pytest.raises(CheckpointError, match="was trained with width=6, not 7"):
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
        InvalidRequestError, match="is there already; choose another name, or overwrite=True"
    ):
        train(tmp_path)
    train(tmp_path, overwrite=True)


def test_too_few_or_too_small_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="3 images: set batch"):
        train(tmp_path, images=images(3))
    with pytest.raises(DataError, match="size must be from 4 to 10"):
        train(tmp_path, {"size": 11})
    assert not list(tmp_path.iterdir())


def test_one_training_at_a_time(tmp_path: Path) -> None:
    def second(event: Event) -> None:
        if isinstance(event, Started):
            for other in (None, tmp_path / "other"):  # the same model, or also the same folder
                with pytest.raises(InvalidRequestError, match="is in use by another process"):
                    train(tmp_path, save_dir=other)

    train(tmp_path, {"epochs": 1}, listeners=[second])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_cuda_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="no CUDA device"):
        train(tmp_path, device="cuda")


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
