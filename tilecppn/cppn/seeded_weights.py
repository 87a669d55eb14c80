"""Draws the weights of a preset's network from a seed."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn import activations as functions
from tilecppn.cppn.detail_activations import DETAIL_ACTIVATIONS
from tilecppn.cppn.presets import DEPTH, PRESETS, Preset
from tilecppn.cppn.seeding import MAX_SEED, uniforms
from tilecppn.cppn.structure import (
    COORDINATES,
    INPUTS,
    MAX_DEPTH,
    MAX_DETAIL_WIDTH,
    MAX_PARAMETERS,
    MAX_WIDTH,
    MAX_Z_DIM,
    Detail,
    Layers,
    Network,
    Readouts,
    Structure,
    shapes,
)
from tilecppn.errors import SceneError
from tilecppn.suggestions import one_of

Array = NDArray[np.float32]
Values = NDArray[np.float64]
DrawnLayer = tuple[Array, Array, Array]  # weight, bias, readout


def draw_network(
    name: str,
    *,
    seed: int,
    channels: int | None,
    z_dim: int | None,
    width: int | None,
    depth: int | None,
    activations: Sequence[str] | None,
    inputs: Sequence[str] | None,
    residual: bool | None,
    **detail: Any,
) -> Network:
    """Return the structure, layers and readouts of a preset's network; None: the preset's own.

    Raises SceneError for an unknown name or a number out of range.
    """
    preset = PRESETS[one_of(PRESETS, name, "preset")]
    chosen = preset.inputs if inputs is None else _inputs(inputs)
    if "z" not in chosen:
        if z_dim:
            raise _wrong("z_dim", z_dim, 'inputs without "z" take no latent')
        z_dim = 0
    _within("seed", seed, 0, MAX_SEED)
    structure = Structure(
        preset=name,
        activations=_activations(preset, depth, activations),
        output=preset.output,
        channels=_channels(preset, channels),
        z_dim=_within("z_dim", preset.z_dim if z_dim is None else z_dim, 0, MAX_Z_DIM),
        latent_scale=preset.latent_scale,
        latent=preset.latent,
        view=preset.view,
        residual=preset.residual if residual is None else residual,
        inputs=chosen,
        origin=preset.origin,
        detail=_detail(preset, name, None if depth is not None else seed, detail),
    )
    if structure.detail is not None and structure.residual:
        raise _wrong("residual", "true", f"not for {name}, whose layers are all read out")
    if structure.detail is not None and not set(chosen) & set(COORDINATES):
        raise _wrong("inputs", list(chosen), f"{name} needs x, y or r among them")
    widest = MAX_WIDTH if structure.detail is None else MAX_DETAIL_WIDTH
    hidden = _within("width", preset.width if width is None else width, 1, widest)
    parameters = sum(rows * columns for rows, columns in shapes(structure, hidden))
    if parameters > MAX_PARAMETERS:
        raise SceneError(
            f"a network of {parameters:,} weights: must have {MAX_PARAMETERS:,} at most; "
            "use a smaller width or depth"
        )
    if structure.detail is not None:
        return structure, *_with_detail(structure, hidden, seed, preset)
    return structure, _plain_layers(structure, hidden, seed, preset), []


def _plain_layers(structure: Structure, width: int, seed: int, preset: Preset) -> Layers:
    """Draw all layers; one stream for each: its weights, row by row, then its biases."""
    sizes = shapes(structure, width)
    drawn = [uniforms(seed, i, rows * columns + rows) for i, (rows, columns) in enumerate(sizes)]
    own = preset.weights, preset.biases
    numbers = {kind: _each(kind.quantile, drawn) for kind in set(own)}
    layers = []
    for i, (rows, columns) in enumerate(sizes):
        weight, bias = (numbers[kind][i].astype(np.float32) for kind in own)
        layers.append((weight[:-rows].reshape(rows, columns), bias[-rows:]))
    return layers


def _each(function: Callable[[Values], Values], parts: Sequence[Values]) -> list[Values]:
    """Apply an elementwise function to several arrays in one call."""
    return split(function(np.concatenate(parts)), [len(part) for part in parts])


def split(values: Values, sizes: Sequence[int]) -> list[Values]:
    """Split a vector into parts of these sizes."""
    ends = [0, *accumulate(sizes)]
    return [values[start:end] for start, end in pairwise(ends)]


def _with_detail(
    structure: Structure, width: int, seed: int, preset: Preset
) -> tuple[Layers, Readouts]:
    drawn = _drawn_layers(structure, range(len(structure.activations)), width, seed)
    offset = [preset.offset[min(o, 1)] for o in range(structure.channels)]
    layers = [(weight, bias) for weight, bias, _ in drawn]
    *readouts, last = [readout for _, _, readout in drawn]
    return [*layers, (last, np.array(offset, np.float32))], readouts


def draw_layer(structure: Structure, i: int, width: int, seed: int | None = None) -> DrawnLayer:
    """Draw hidden layer i of a network with detail: weight, bias and readout (channels, width).

    One stream per layer: its weights, row by row, its biases, and its readout, row by row, all of
    them normal. seed: None for the structure's own.
    """
    assert structure.detail is not None
    seed = structure.detail.seed if seed is None else seed
    assert seed is not None
    (layer,) = _drawn_layers(structure, [i], width, seed)
    return layer


def _drawn_layers(
    structure: Structure, layers: Sequence[int], width: int, seed: int
) -> list[DrawnLayer]:
    from tilecppn.cppn.compiled import normals

    detail = structure.detail
    assert detail is not None
    rest = width + structure.channels * width
    sizes = [width * (width if i else structure.columns) + rest for i in layers]
    numbers = split(normals(seed, layers, sizes), sizes)
    weights = [own[:-rest].reshape(width, -1) for own in numbers]
    late = orthogonal_weights(detail, dict(zip(layers, weights, strict=True)))
    result = []
    for i, weight, own in zip(layers, weights, numbers, strict=True):
        if i == 0:
            weight = weight * _first_deviations(structure, detail)
        elif i in late:
            weight = late[i]
        else:
            weight = weight / math.sqrt(width) * detail.gain
        bias, readout = own[-rest:][:width], own[-rest:][width:]
        result.append(
            (
                weight.astype(np.float32),
                (bias * detail.bias).astype(np.float32),
                readout.reshape(structure.channels, width).astype(np.float32),
            )
        )
    return result


def orthogonal_weights(
    detail: Detail, weights: Mapping[int, NDArray[np.floating]]
) -> dict[int, Values]:
    """Return the weights of layers that are not free, made orthogonal; weights: by layer."""
    late = [i for i in weights if i >= max(1, detail.free)]
    if not late:
        return {}
    from tilecppn.cppn.compiled import orthogonalise

    found = np.stack([weights[i] for i in late], dtype=np.float64)
    orthogonalise(found)
    return dict(zip(late, found * detail.gain, strict=True))


def _first_deviations(structure: Structure, detail: Detail) -> Values:
    """Return the standard deviations of layer 0's weights, one for each column."""
    along, down = detail.first
    own = {"x": [along], "y": [down], "r": [along], "one": [detail.bias]}
    own["z"] = [detail.latent] * structure.z_dim
    return np.array([value for name in structure.inputs for value in own[name]])


def _inputs(names: Sequence[str]) -> tuple[str, ...]:
    chosen = {one_of(INPUTS, name, "input") for name in names}
    if not chosen or len(chosen) < len(names):
        raise _wrong("inputs", list(names), f"must name some of {', '.join(INPUTS)}, once")
    return tuple(name for name in INPUTS if name in chosen)


def _activations(
    preset: Preset, depth: int | None, activations: Sequence[str] | None
) -> tuple[str, ...]:
    """Return one per hidden layer; presets with detail repeat the last one, others all in turn."""
    if depth is not None:
        _within("depth", depth, 1, MAX_DEPTH)
    if activations is None:
        pattern = preset.activations
    else:
        pattern = tuple(functions.check(name) for name in activations)
        _within("number of activations", len(pattern), 1, MAX_DEPTH)
    if preset.detail is not None:
        for name in pattern:
            for part in functions.components(name):
                one_of(DETAIL_ACTIVATIONS, part, "activation of a network with detail")
        n = max(DEPTH, len(pattern)) if depth is None else depth
        return tuple(pattern[min(i, len(pattern) - 1)] for i in range(n))
    if activations is None:
        n = len(pattern) if depth is None else depth
        return tuple(pattern[i % len(pattern)] for i in range(n))
    if depth is not None and depth != len(pattern):
        text = f"depth = {depth}, but activations names {len(pattern)} layers"
        raise SceneError(text, keys=["depth"], value=depth)
    return pattern


def _detail(preset: Preset, name: str, seed: int | None, changes: dict[str, Any]) -> Detail | None:
    """Return the preset's detail with the given changes; `seed` is for further layers."""
    given = {key: value for key, value in changes.items() if value is not None}
    if preset.detail is None:
        for key, value in given.items():
            known = ", ".join(n for n, p in PRESETS.items() if p.detail is not None)
            raise _wrong(key, value, f"preset {name} has no detail; use one of {known}")
        return None
    for key in ("decay", "contrast"):
        if key in given:
            numbers = np.atleast_1d(np.asarray(given[key], np.float64))
            given[key] = tuple(numbers.tolist())
    changed = replace(preset.detail, seed=seed, **given)
    if fault := changed.fault():
        raise SceneError(fault)
    return changed


def _within(name: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, int | np.integer) or not low <= value <= high:
        raise _wrong(name, value, f"must be an integer from {low} to {high}")
    return value


def _channels(preset: Preset, value: int | None) -> int:
    """Return 1, 3, or with detail 2: place on a palette, and lightness."""
    allowed = (1, 3) if preset.detail is None else (1, 2, 3)
    value = preset.channels if value is None else value
    if not isinstance(value, int | np.integer) or value not in allowed:
        *most, last = map(str, allowed)
        raise _wrong("channels", value, f"must be {', '.join(most)} or {last}")
    return value


def _wrong(key: str, value: object, why: str) -> SceneError:
    shown = f"{value:g}" if isinstance(value, float) else value
    return SceneError(f"{key} = {shown}: {why}", keys=[key], value=value)
