"""Breeds networks: mutations, and crossovers with another network of the same shape.

A child is derived from seeds and is the same on every machine, since only correctly rounded
arithmetic is used.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.portable_math import orthogonal
from tilecppn.cppn.seeded_weights import DrawnLayer, draw_layer
from tilecppn.cppn.seeding import MAX_SEED, inverse_normal, uniforms
from tilecppn.cppn.structure import Network, Step, Structure
from tilecppn.errors import SceneError

Array = NDArray[np.float32]
Arrays = tuple[Array, ...]  # of a hidden layer: weight, bias, and readout if it has one

MUTATIONS, CROSSINGS = 2**62, 2**62 + 2**32  # streams of layer 0; layer i uses stream + i


def mutant(parent: Network, seed: int, amount: float) -> Network:
    """Return a network mutated by `amount`, 0 to 1: see `mutated`. Raises SceneError."""
    structure, layers, _ = parent
    step = _checked(Step(seed, amount))
    hidden = [mutated(structure, i, arrays, step) for i, arrays in enumerate(_hidden(parent))]
    bias = layers[-1][1]
    if structure.detail is None:  # else the output's bias is the preset's
        (bias,) = mutated(structure, len(hidden), (bias,), step)
    return _network(parent, hidden, bias, step)


def crossing(parent: Network, other: Network, amount: float, seed: int) -> Network:
    """Return a network with a fraction `amount`, 0 to 1, of the units of another: see `crossed`.

    Raises SceneError for networks of different shapes.
    """
    structure, theirs = parent[0], other[0].detail
    step = _checked(Step(seed, amount, None if theirs is None else theirs.seed))
    both = _hidden(parent), _hidden(other)
    one, two = ([[array.shape for array in arrays] for arrays in hidden] for hidden in both)
    if one != two:
        raise SceneError("networks of different shapes cannot be crossed")
    pairs = enumerate(zip(*both, strict=True))
    hidden = [crossed(structure, i, own, others, step) for i, (own, others) in pairs]
    (bias,) = crossed(structure, len(hidden), (parent[1][-1][1],), (other[1][-1][1],), step)
    return _network(parent, hidden, bias, step)


def mutated(structure: Structure, i: int, arrays: Arrays, step: Step) -> Arrays:
    """Rotate each array of layer `i` towards a random direction, by asin(amount).

    w becomes √(1 - amount²)·w + amount·|w|·u, with u a unit vector orthogonal to w: a normal random
    vector without its component along w. In layer 0, whose inputs are of different kinds, each
    column of the weight is rotated by itself. Rotations preserve standard deviations: a network
    after a thousand mutations is as varied as its first ancestor. Arrays of zeros, as the biases
    of a network without biases, stay zero.
    """
    numbers = inverse_normal(uniforms(step.seed, MUTATIONS + i, sum(a.size for a in arrays)))
    ends = np.cumsum([array.size for array in arrays])[:-1]
    changed = []
    for k, (array, part) in enumerate(zip(arrays, np.split(numbers, ends), strict=True)):
        directions = part.reshape(array.shape)
        if (i, k) == (0, 0):
            columns = zip(array.T, directions.T, strict=True)
            changed.append(np.stack([_turned(*column, step.amount) for column in columns], axis=1))
        else:
            changed.append(_turned(array, directions, step.amount))
    return _finished(structure, i, changed)


def crossed(structure: Structure, i: int, arrays: Arrays, others: Arrays, step: Step) -> Arrays:
    """Return layer `i` with some of its units taken from the other parent, `others`.

    A unit consists of its weights, its bias, and its column of the readout.
    """
    taken = uniforms(step.seed, CROSSINGS + i, len(arrays[0])) < step.amount
    changed = []
    for k, (own, other) in enumerate(zip(arrays, others, strict=True)):
        # A unit has a row of the weight, and a column of the readout.
        rows = k < 2 and own.ndim == 2
        changed.append(np.where(taken[:, None] if rows else taken, other, own))
    return _finished(structure, i, changed)


def further_layer(structure: Structure, i: int, width: int) -> DrawnLayer:
    """Return a layer beyond those that a network with detail stores, with all its steps applied."""
    detail = structure.detail
    assert detail is not None
    layer: Arrays = draw_layer(structure, i, width)
    for step in detail.lineage:
        if step.other is None:
            layer = mutated(structure, i, layer, step)
        else:
            layer = crossed(structure, i, layer, draw_layer(structure, i, width, step.other), step)
    weight, bias, readout = layer
    return weight, bias, readout


def _checked(step: Step) -> Step:
    if not isinstance(step.seed, int | np.integer) or not 0 <= step.seed <= MAX_SEED:
        raise SceneError(f"seed = {step.seed}: must be an integer from 0 to {MAX_SEED}")
    if not 0.0 <= step.amount <= 1.0:
        raise SceneError(f"amount = {step.amount}: must be a number from 0 to 1")
    return step._replace(seed=int(step.seed), amount=float(step.amount))


def _turned(array: Array, direction: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Rotate an array towards a direction of the same shape; a single number is unchanged."""
    own = array.astype(np.float64)
    square = _dot(own, own)
    if square == 0.0 or own.size == 1:
        return own
    across = direction - _dot(own, direction) / square * own
    across *= math.sqrt(square / _dot(across, across))
    return np.asarray(math.sqrt((1.0 - amount) * (1.0 + amount)) * own + amount * across)


def _dot(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return math.fsum((one * other).ravel().tolist())  # independent of the order


def _finished(structure: Structure, i: int, arrays: Sequence[NDArray[np.floating]]) -> Arrays:
    first, *others = arrays
    detail = structure.detail
    if detail is not None and i >= max(detail.free, 1) and first.ndim == 2:
        first = orthogonal(first.astype(np.float64)) * detail.gain
    return tuple(array.astype(np.float32) for array in (first, *others))


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
