"""Breeds networks: mutations, and crossovers with another network of the same shape.

A child is derived from seeds and is the same on every machine, since only correctly rounded
arithmetic is used.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.seeded_weights import DrawnLayer, draw_layer, orthogonal_weights, split
from tilecppn.cppn.seeding import MAX_SEED, inverse_normal, uniforms
from tilecppn.cppn.structure import Network, Step, Structure
from tilecppn.errors import SceneError

Array = NDArray[np.float32]
Arrays = tuple[Array, ...]  # of a hidden layer: weight, bias, and readout if it has one

MUTATIONS, CROSSINGS = 2**62, 2**62 + 2**32  # streams of layer 0; layer i uses stream + i
AT_ONCE = 1 << 20  # numbers mutated at a time: bounds memory


def mutant(parent: Network, seed: int, amount: float) -> Network:
    """Return a network mutated by `amount`, 0 to 1: see `mutated`. Raises SceneError."""
    structure, layers, _ = parent
    step = _checked(Step(seed, amount))
    parts, bias = _hidden(parent), layers[-1][1]
    if structure.detail is None:  # else the output's bias is the preset's
        parts.append((bias,))
    together = max(1, AT_ONCE // max(sum(a.size for a in arrays) for arrays in parts))
    hidden: list[Arrays] = []
    for first in range(0, len(parts), together):
        hidden += mutated(structure, first, parts[first : first + together], step)
    if structure.detail is None:
        (bias,) = hidden.pop()
    return _network(parent, hidden, bias, step)


def crossing(parent: Network, other: Network, amount: float, seed: int) -> Network:
    """Return a network with a fraction `amount`, 0 to 1, of the units of another: see `crossed`.

    Raises SceneError for networks of different shapes.
    """
    structure, theirs = parent[0], other[0].detail
    step = _checked(Step(seed, amount, None if theirs is None else theirs.seed))
    own, others = ([*_hidden(network), (network[1][-1][1],)] for network in (parent, other))
    if _shapes(own) != _shapes(others):
        raise SceneError("networks of different shapes cannot be crossed")
    *hidden, (bias,) = crossed(structure, 0, own, others, step)
    return _network(parent, hidden, bias, step)


def mutated(structure: Structure, first: int, layers: Sequence[Arrays], step: Step) -> list[Arrays]:
    """Rotate each array of layers `first`, … towards a random direction, by asin(amount).

    w becomes √(1 - amount²)·w + amount·|w|·u, with u a unit vector orthogonal to w: a normal random
    vector without its component along w. In layer 0, whose inputs are of different kinds, each
    column of the weight is rotated by itself. Rotations preserve standard deviations: a network
    after a thousand mutations is as varied as its first ancestor. Arrays of zeros, as the biases
    of a network without biases, stay zero.
    """
    sizes = [sum(array.size for array in arrays) for arrays in layers]
    drawn = [uniforms(step.seed, MUTATIONS + i, size) for i, size in enumerate(sizes, first)]
    own = [array for arrays in layers for array in arrays]
    parts = split(inverse_normal(np.concatenate(drawn)), [array.size for array in own])
    directions = [part.reshape(array.shape) for part, array in zip(parts, own, strict=True)]
    columns = own[0].shape[1] if first == 0 else 0
    if columns:
        own[:1], directions[:1] = own[0].T, directions[0].T
    changed = _turned(own, directions, step.amount)
    if columns:
        changed[:columns] = [np.stack(changed[:columns], axis=1)]
    return _finished(structure, first, layers, changed)


def crossed(
    structure: Structure,
    first: int,
    layers: Sequence[Arrays],
    others: Sequence[Arrays],
    step: Step,
) -> list[Arrays]:
    """Return layers `first`, … with some of their units taken from the other parent, `others`.

    A unit consists of its weights, its bias, and its column of the readout.
    """
    changed: list[NDArray[np.floating]] = []
    for i, (own, other) in enumerate(zip(layers, others, strict=True), first):
        taken = uniforms(step.seed, CROSSINGS + i, len(own[0])) < step.amount
        for k, (one, two) in enumerate(zip(own, other, strict=True)):
            # A unit has a row of the weight, and a column of the readout.
            rows = k < 2 and one.ndim == 2
            changed.append(np.where(taken[:, None] if rows else taken, two, one))
    return _finished(structure, first, layers, changed)


def further_layer(structure: Structure, i: int, width: int) -> DrawnLayer:
    """Return a layer beyond those that a network with detail stores, with all its steps applied."""
    detail = structure.detail
    assert detail is not None
    layer: Arrays = draw_layer(structure, i, width)
    for step in detail.lineage:
        if step.other is None:
            (layer,) = mutated(structure, i, [layer], step)
        else:
            other = draw_layer(structure, i, width, step.other)
            (layer,) = crossed(structure, i, [layer], [other], step)
    weight, bias, readout = layer
    return weight, bias, readout


def _checked(step: Step) -> Step:
    if not isinstance(step.seed, int | np.integer) or not 0 <= step.seed <= MAX_SEED:
        raise SceneError(f"seed = {step.seed}: must be an integer from 0 to {MAX_SEED}")
    if not 0.0 <= step.amount <= 1.0:
        raise SceneError(f"amount = {step.amount}: must be a number from 0 to 1")
    return step._replace(seed=int(step.seed), amount=float(step.amount))


def _turned(
    arrays: Sequence[Array], directions: Sequence[NDArray[np.float64]], amount: float
) -> list[NDArray[np.floating]]:
    """Rotate arrays towards directions of the same shapes; single numbers are unchanged."""
    sizes = [array.size for array in arrays]
    own = np.concatenate([array.ravel() for array in arrays], dtype=np.float64)
    across = np.concatenate([direction.ravel() for direction in directions])
    square = _dots(own, own, sizes)
    with np.errstate(divide="ignore", invalid="ignore"):  # of arrays that are unchanged
        across -= np.repeat(_dots(own, across, sizes) / square, sizes) * own
        across *= np.repeat(np.sqrt(square / _dots(across, across, sizes)), sizes)
    turned = math.sqrt((1.0 - amount) * (1.0 + amount)) * own + amount * across
    free = np.repeat((square > 0.0) & (np.array(sizes) > 1), sizes)
    parts = split(np.where(free, turned, own), sizes)
    return [part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True)]


def _dots(
    one: NDArray[np.float64], other: NDArray[np.float64], sizes: Sequence[int]
) -> NDArray[np.float64]:
    """Return the dot product of each part of two vectors, independent of the order."""
    return np.array([math.fsum(part.tolist()) for part in split(one * other, sizes)])


def _finished(
    structure: Structure,
    first: int,
    layers: Sequence[Arrays],
    changed: Sequence[NDArray[np.floating]],
) -> list[Arrays]:
    """Return the arrays of layers `first`, …, orthogonal where they must be, in float32."""
    rest = iter(changed)
    found = [list(islice(rest, len(arrays))) for arrays in layers]
    if structure.detail is not None:
        weights = {i: arrays[0] for i, arrays in enumerate(found, first) if arrays[0].ndim == 2}
        for i, weight in orthogonal_weights(structure.detail, weights).items():
            found[i - first][0] = weight
    return [tuple(array.astype(np.float32) for array in arrays) for arrays in found]


def _shapes(layers: Sequence[Arrays]) -> list[list[tuple[int, ...]]]:
    return [[array.shape for array in arrays] for arrays in layers]


def _hidden(network: Network) -> list[Arrays]:
    """Return the hidden layers; a plain network reads out only its last one."""
    _, (*hidden, (last, _)), readouts = network
    unread = len(hidden) - 1 - len(readouts)
    parts = [*[()] * unread, *((readout,) for readout in (*readouts, last))]
    return [(*pair, *part) for pair, part in zip(hidden, parts, strict=True)]


def _network(parent: Network, hidden: Sequence[Arrays], bias: Array, step: Step) -> Network:
    structure = parent[0]
    detail = structure.detail
    if detail is not None and detail.seed is not None:
        changed = replace(detail, lineage=(*detail.lineage, step))
        structure = replace(structure, detail=changed)
    layers = [(weight, layer_bias) for weight, layer_bias, *_ in hidden]
    read = [arrays[2] for arrays in hidden if len(arrays) > 2]
    return structure, [*layers, (read[-1], bias)], read[:-1]
