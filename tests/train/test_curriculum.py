"""Trainings from coarse images to fine ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.runs import csv_rows, same_files, train
from tilecppn.errors import Interrupted
from tilecppn.scene.sections import View
from tilecppn.train.curriculum import Stage, sizes
from tilecppn.train.events import Event, StageBegan


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
