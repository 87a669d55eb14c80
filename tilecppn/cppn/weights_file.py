"""Reads and writes weights files: safetensors, float32, with the structure as JSON metadata.

Tensors `layers.{i}.weight` (out × in) and `layers.{i}.bias` (out), the output layer last; with
detail also `readouts.{i}.weight` (channels × width) of each hidden layer but the last, which the
output layer reads.
Other tensors are allowed only under `encoder.` and `discriminator.`. There is no hash of the
tensors, since people edit them. A pickle is never loaded.
"""

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import filesystem
from tilecppn.cppn.activations import ACTIVATIONS, components
from tilecppn.cppn.detail_activations import DETAIL_ACTIVATIONS
from tilecppn.cppn.seeding import MAX_SEED, Distribution
from tilecppn.cppn.structure import (
    INPUTS,
    Detail,
    Layers,
    Network,
    Readouts,
    Step,
    Structure,
    shapes,
)
from tilecppn.errors import WeightsError

FORMAT = 1
KEY = "tilecppn"
TRAINING = "training"  # the key, in that JSON, of notes on the training
FOREIGN = ("encoder.", "discriminator.")  # tensors of a training that rendering ignores

MAX_BYTES = 2**31  # a larger file is not a CPPN
MAX_LAYERS = 1000  # hidden


def encode(
    structure: Structure,
    layers: Layers,
    foreign: Mapping[str, NDArray[np.float32]] | None = None,
    training: Mapping[str, Any] | None = None,
    readouts: Readouts = (),
) -> bytes:
    """Return the bytes of a weights file. The same network always gives the same bytes.

    foreign: other tensors of a training, whose names begin with one of FOREIGN. training: notes on
    it.
    """
    from safetensors.numpy import save

    s = structure
    record: dict[str, Any] = {
        "format": FORMAT,
        "preset": s.preset,
        "activations": list(s.activations),
        "output": s.output,
        "inputs": list(s.inputs),
        "z_dim": s.z_dim,
        "latent_scale": s.latent_scale,
        "latent": list(s.latent),
        "view": dict(s.view),
        "channels": s.channels,
    }
    # Defaults are left out, so that a network's bytes, and its pictures' fingerprints, are the same
    # as before these keys existed.
    if s.residual:
        record["residual"] = True
    if s.origin != (0.0, 0.0):
        record["origin"] = list(s.origin)
    if s.detail is not None:
        record["detail"] = asdict(s.detail)
        if not s.detail.lineage:
            del record["detail"]["lineage"]
    tensors = dict(foreign or {})
    for i, (weight, bias) in enumerate(layers):
        tensors[f"layers.{i}.weight"] = weight
        tensors[f"layers.{i}.bias"] = bias
    tensors |= {f"readouts.{i}.weight": readout for i, readout in enumerate(readouts)}
    if training is not None:
        record[TRAINING] = dict(training)
    # A single key, since safetensors writes several in any order.
    return save(tensors, metadata={KEY: json.dumps(record, sort_keys=True)})


def load(path: Path) -> Network:
    """Read a weights file. Raises WeightsError, naming the file and what is wrong."""
    try:
        data = filesystem.read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise WeightsError(f"{path}: cannot be read: {error}") from error
    return decode(data, str(path))


def decode(data: bytes, name: str) -> Network:
    """Decode the network in a weights file's bytes. Raises WeightsError, with `name` in front."""
    try:
        return _decoded(data)
    except WeightsError as error:
        raise WeightsError(f"{name}: {error}") from error.__cause__


def _decoded(data: bytes) -> Network:
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_tensors

    try:
        tensors = load_tensors(data)
        notes = metadata(data)
    except (SafetensorError, ValueError, KeyError, RecursionError) as error:
        # A header's length, which "{" follows, may begin with the same bytes as a pickle.
        if data[8:9] != b"{" and (data[:1] == b"\x80" or data[:4] == b"PK\x03\x04"):
            raise WeightsError("a pickle, which is never opened; save it as safetensors") from error
        raise WeightsError(f"not a whole safetensors file ({error})") from error
    structure = _structure(notes.get(KEY))
    return structure, *_tensors(tensors, structure)


def metadata(data: bytes) -> dict[str, str]:
    """Return the metadata in a safetensors file's bytes. Raises ValueError without a header."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _structure(text: str | None) -> Structure:
    """Return the checked structure of a file's metadata."""
    if text is None:
        raise WeightsError(f'no metadata "{KEY}": not a weights file of tilecppn')
    try:
        structure = _parsed(json.loads(text))
    except WeightsError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, RecursionError) as error:
        raise WeightsError(f"its metadata is incomplete or damaged ({error!r})") from error
    hidden = ACTIVATIONS if structure.detail is None else DETAIL_ACTIVATIONS
    for functions, known in ((structure.activations, hidden), ([structure.output], ACTIVATIONS)):
        for name in itertools.chain.from_iterable(map(components, functions)):
            if name not in known:
                raise WeightsError(f"unknown activation {name!r}")
    if (
        structure.channels not in ((1, 3) if structure.detail is None else (1, 2, 3))
        or structure.z_dim < 0
        or not 1 <= len(structure.activations) <= MAX_LAYERS
        or structure.latent.kind not in ("normal", "uniform")
        or (structure.z_dim > 0 and "z" not in structure.inputs)
        or not np.isfinite([structure.latent_scale, *structure.latent[1:], *structure.origin]).all()
    ):
        raise WeightsError("its metadata holds a value that is not allowed")
    return structure


def _parsed(record: dict[str, Any]) -> Structure:
    """Return the structure in a record. Raises KeyError, TypeError, … for one that is damaged."""
    if type(record["format"]) is not int or record["format"] != FORMAT:
        raise WeightsError(f"format {record['format']!r}; this version reads format {FORMAT}")
    inputs = record["inputs"]
    if not inputs or inputs != [known for known in INPUTS if known in inputs]:
        raise WeightsError(f"inputs {inputs!r}: must be some of {', '.join(INPUTS)}, in this order")
    residual = record.get("residual", False)
    if type(residual) is not bool:
        raise ValueError(f"residual {residual!r}")
    kind, *numbers = record["latent"]
    x0, y0 = map(float, record.get("origin", (0.0, 0.0)))
    return Structure(
        preset=str(record["preset"]),
        activations=tuple(map(str, record["activations"])),
        output=str(record["output"]),
        channels=_integer(record["channels"]),
        z_dim=_integer(record["z_dim"]),
        latent_scale=float(record["latent_scale"]),
        latent=Distribution(str(kind), *map(float, numbers)),
        view=dict(record["view"]),
        residual=residual,
        inputs=tuple(inputs),
        origin=(x0, y0),
        detail=_detail(record.get("detail")),
    )


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no integer")
    return value


def _detail(record: dict[str, Any] | None) -> Detail | None:
    if record is None:
        return None
    seed = record["seed"]
    along, down = map(float, record["first"])
    detail = Detail(
        decay=tuple(map(float, record["decay"])),
        contrast=tuple(map(float, record["contrast"])),
        gain=float(record["gain"]),
        free=_integer(record["free"]),
        first=(along, down),
        latent=float(record["latent"]),
        bias=float(record["bias"]),
        scale=float(record["scale"]),
        seed=None if seed is None else _integer(seed),
        lineage=tuple(_step(*step) for step in record.get("lineage", ())),
    )
    fault = detail.fault()
    if fault or not (seed is None or 0 <= seed <= MAX_SEED):
        raise ValueError(fault or "detail")
    return detail


def _step(seed: Any, amount: Any, other: Any) -> Step:
    step = Step(_integer(seed), float(amount), None if other is None else _integer(other))
    if not (0 <= step.seed <= MAX_SEED and 0 <= (other or 0) <= MAX_SEED and 0 <= amount <= 1):
        raise ValueError(f"lineage {list(step)}")
    return step


def _tensors(tensors: dict[str, NDArray[Any]], structure: Structure) -> tuple[Layers, Readouts]:
    """Return the layers and readouts."""
    first = tensors.get("layers.0.weight")
    if first is None or first.ndim != 2 or not len(first):
        raise WeightsError("tensor layers.0.weight is missing or not a matrix")
    width = first.shape[0]
    expected: dict[str, tuple[int, ...]] = {}
    sides = shapes(structure, width)
    for i, (rows, columns) in enumerate(sides):
        expected[f"layers.{i}.weight"] = (rows, columns)
        expected[f"layers.{i}.bias"] = (rows,)
    read = 0 if structure.detail is None else len(structure.activations) - 1
    expected |= {f"readouts.{i}.weight": (structure.channels, width) for i in range(read)}
    for key, shape in expected.items():
        tensor = tensors.get(key)
        if tensor is None:
            raise WeightsError(f"tensor {key} is missing")
        if tensor.shape != shape or tensor.dtype != np.float32:
            raise WeightsError(
                f"tensor {key} is {tensor.dtype} {tensor.shape}, must be float32 {shape}"
            )
        if not np.isfinite(tensor).all():
            raise WeightsError(f"tensor {key} holds NaN or infinity")
    for key in tensors:
        if key not in expected and not key.startswith(FOREIGN):
            raise WeightsError(f"tensor {key} is not known")
    layers = [
        (tensors[f"layers.{i}.weight"], tensors[f"layers.{i}.bias"]) for i in range(len(sides))
    ]
    return layers, [tensors[f"readouts.{i}.weight"] for i in range(read)]
