"""Checkpoints: folders of safetensors and JSON from which training resumes exactly.

    checkpoints/00000360/model.safetensors       all networks: an ordinary weights file
                         optimisers.safetensors  Adam's moments, by optimiser and weight
                         state.json              counters, settings, data, checksums

A checkpoint appears whole or not at all. There is no random state in it: random numbers are
functions of the seed and the counters (`train.noise`). Never pickle.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tilecppn import filesystem
from tilecppn.errors import CheckpointError
from tilecppn.exporters.output.atomic import atomic_output
from tilecppn.train.checks import checkpoints
from tilecppn.train.trainer import Trainer

FORMAT = 1
MODEL, OPTIMISERS, STATE = "model.safetensors", "optimisers.safetensors", "state.json"
Tensors = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class State:
    """The progress of a training, apart from its weights."""

    batches: int  # batches trained on so far
    updates: int  # updates that drew random noise
    seconds: float  # of training, over all sessions
    settings: dict[str, Any]  # Settings.record()
    data: dict[str, Any]  # source, sha256, count, size, channels


def save(save_dir: Path, trainer: Trainer, state: State, keep: int) -> Path:
    """Write a checkpoint, remove all but the last `keep`, and return its folder."""
    from safetensors.numpy import save as encode

    files = {
        MODEL: trainer.networks.to_bytes(
            {
                "data": state.data["source"],
                "size": state.data["size"],
                "batches": state.batches,
                "settings": state.settings,
            }
        ),
        OPTIMISERS: encode(_moments(trainer)),
    }
    record = {
        "format": FORMAT,
        **asdict(state),
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    record["sha256"][STATE] = _own_hash(record)
    files[STATE] = json.dumps(record, indent=1).encode()
    folder = save_dir / "checkpoints" / f"{state.batches:08d}"
    with atomic_output(folder, folder=True) as temporary:
        for name, data in files.items():
            filesystem.write_atomic(temporary / name, data)
    for old in checkpoints(save_dir)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def read(folder: Path) -> tuple[State, Tensors, Tensors]:
    """Return the state, the model's tensors and the optimisers' tensors of a checkpoint.

    Raises CheckpointError if anything is missing or damaged; it names the previous checkpoint, if
    there is one.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        files = {name: (folder / name).read_bytes() for name in (MODEL, OPTIMISERS, STATE)}
        record = json.loads(files[STATE])
        sums = dict(record["sha256"])
        if sums.pop(STATE) != _own_hash(record):
            raise _damaged(folder, f"{STATE} has another checksum")
        for name, sha256 in sums.items():
            if hashlib.sha256(files[name]).hexdigest() != sha256:
                raise _damaged(folder, f"{name} has another checksum")
        if record["format"] != FORMAT:
            raise _damaged(folder, f"format {record['format']}; this version reads {FORMAT}")
        state = State(**{name: record[name] for name in State.__dataclass_fields__})
        return state, load(files[MODEL]), load(files[OPTIMISERS])
    except CheckpointError:
        raise
    except OSError as error:
        name = Path(str(error.filename)).name
        raise _damaged(folder, f"{name}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise _damaged(folder, f"{STATE} or a tensor cannot be read ({error!r})") from None


def restore(trainer: Trainer, state: State, model: Tensors, moments: Tensors, name: Path) -> None:
    """Load a checkpoint into a fresh trainer. Raises CheckpointError if it does not fit."""
    try:
        trainer.networks.load(model)
        for key, optimiser in trainer.optimisers.items():
            kept = optimiser.state_dict()
            count = len(kept["param_groups"][0]["params"])
            names = sorted({k.rsplit(".", 1)[1] for k in moments if k.startswith(f"{key}.")})
            kept["state"] = {
                i: {n: torch.tensor(moments[f"{key}.{i}.{n}"]) for n in names}
                for i in range(count)
                if names
            }
            optimiser.load_state_dict(kept)
    except CheckpointError:
        raise
    except (KeyError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"{name}: its tensors do not fit its settings ({error})") from None
    trainer.updates = state.updates


def is_finite(trainer: Trainer) -> bool:
    """Return whether all weights are finite; a loss shows a NaN only one update later."""
    return all(bool(torch.isfinite(p).all()) for m in trainer.modules for p in m.parameters())


def _moments(trainer: Trainer) -> Tensors:
    """Return Adam's state by names such as `g.7.exp_avg`: optimiser, parameter index, moment."""
    return {
        f"{key}.{i}.{name}": tensor.detach().cpu().numpy()
        for key, optimiser in trainer.optimisers.items()
        for i, values in optimiser.state_dict()["state"].items()
        for name, tensor in values.items()
    }


def _own_hash(record: dict[str, Any]) -> str:
    """Return the SHA-256 of the state itself, without its own entry."""
    sums = {k: v for k, v in record["sha256"].items() if k != STATE}
    text = json.dumps({**record, "sha256": sums}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(folder: Path, what: str) -> CheckpointError:
    save_dir = folder.parent.parent
    before = [p for p in checkpoints(save_dir) if p.name < folder.name]
    offer = f"the previous one: --from {before[-1]}" if before else "there is none before it"
    return CheckpointError(f"{folder}: damaged: {what}; {offer}")
