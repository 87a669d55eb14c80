"""Trainings that diverge keep the last good checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.train.runs import same_files, train
from tilecppn.cancellation import ShouldStop
from tilecppn.errors import TrainingDivergedError
from tilecppn.train.checks import checkpoints
from tilecppn.train.curves import Losses
from tilecppn.train.trainer import Trainer


def spoil(monkeypatch: pytest.MonkeyPatch, after: int, value: float) -> None:
    """From batch `after` on, all losses are `value`."""
    learn = Trainer.learn
    batches = iter(range(1000))
    real = Trainer._losses

    def spoiled(self: Trainer, *arguments: Any) -> Any:
        own, total = real(self, *arguments)
        return own * 0 + value, total

    def counted(self: Trainer, x: torch.Tensor, stopping: ShouldStop) -> Losses:
        if next(batches) == after:
            monkeypatch.setattr(Trainer, "_losses", spoiled)
        return learn(self, x, stopping)

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

    def poisoned(self: Trainer, x: torch.Tensor, stopping: ShouldStop) -> Losses:
        told = learn(self, x, stopping)
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
