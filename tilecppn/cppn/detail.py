"""Computes the amplitudes at which a network with detail reads out each hidden layer in a view.

Each hidden layer adds to the colours, and has about twice the frequencies of the one before. A
layer finer than the pixels fades out, so that pictures are band-limited; in a zoom, layers that
have become constant over the view recede, so that contrast is preserved. The expected frequency of
a layer follows from the structure by mean-field theory (Poole et al., Exponential expressivity in
deep neural networks, 2016). A network differs from it, and much from place to place: its fineness,
in octaves, is measured over the whole picture and at a zoom's centre, and locally for the fade
(`LocalFineness`).

Only IEEE + - × / and square roots are used, so no maths library can change a digit.
"""

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.cppn.activations import components
from tilecppn.cppn.center import Center
from tilecppn.cppn.detail_activations import DETAIL_ACTIVATIONS
from tilecppn.cppn.portable_math import exp2, log2, logarithm, smoothstep
from tilecppn.cppn.seeding import uniforms
from tilecppn.cppn.structure import COORDINATES, Structure
from tilecppn.errors import SceneError

Array = NDArray[np.float64]

LIMIT = 2.5  # a layer is invisible at this many times the pixels' Nyquist frequency
FADE = 3.0  # octaves over which it fades
CALM, BUSY = -2.0, 3.0  # octaves of local fineness, relative to the whole picture's, that count
FOLLOWED = 7.0  # octaves from the layers that show the local fineness to the finest ones
RECEDE = 0.5  # halvings per square octave of a layer that is coarser than the view
NEAR, FAR = -2.0, -5.0  # octaves, relative to the view, of the layers measured at its centre
RAMP = 4.0  # octaves of zoom over which that measurement comes to count
PLACES, MEASURED = 256, 8  # sample points in the whole picture, and hidden layers evaluated there
PLACES_STREAM = 2**63 + 1  # of seed 0, for their coordinates
FINENESS = 2.0**-20  # octaves to which fineness is rounded, which hides libraries' last digits
FAINTEST = -30.0  # log2 of the amplitude below which it is 0
REST = 1e-6  # fraction of a layer's power that the normalisation ignores
DEEP = 36.0  # octaves from the structure's scale to a pixel beyond which float64 is too coarse
MAX_LAYERS = 256


class Sampling(NamedTuple):
    """The values of a view that decide the amplitudes, in plane units."""

    step: float  # side of a pixel
    scale: float  # from the centre to the nearer edge
    center: tuple[float, float] = (0.0, 0.0)
    measured: tuple[float, float] | None = None  # where to measure fineness; None: centre


class Expected(NamedTuple):
    """The expected statistics of a hidden layer's values."""

    frequency: float  # radians per plane unit
    octave: float  # log2 of its ratio to layer 0's
    means: tuple[float, ...]  # of each of its activations
    variance: float


class Amplitude(NamedTuple):
    """How strongly a layer is read out: by `factors`, times smoothstep(fade - local fineness)."""

    factors: tuple[float, ...]  # of each output
    fade: float | None = None  # with the fineness in units of FADE octaves; None: no fading


@dataclass(frozen=True)
class LocalFineness:
    """How to compute how much finer layers are in a place than expected, in units of FADE octaves.

    By the mean squares of how much the units of one or two hidden layers change across a pixel.
    """

    layer: int  # the first of them
    shares: tuple[float, ...]  # of each
    expected: float  # the weighted mean of log2 of their expected mean squares
    whole: float  # octaves by which the whole picture is finer; those of CALM … BUSY more count

    @property
    def end(self) -> int:
        """The number of hidden layers up to the last of them."""
        return self.layer + len(self.shares)

    @property
    def typical(self) -> float:
        """The fineness of the whole picture, or in a zoom of its centre."""
        return self.whole / FADE

    def of(self, squares: Sequence[Array]) -> Array:
        """Return the fineness of places from each layer's mean squares (n,)."""
        octaves = np.full_like(squares[0], -self.expected)
        for share, square in zip(self.shares, squares, strict=True):
            octaves += share * (logarithm(np.maximum(square, 1e-300)) / math.log(2.0))
        return np.clip(0.5 * octaves, self.whole + CALM, self.whole + BUSY) / FADE


class DetailModel:
    """The statistics and amplitudes of one structure's hidden layers. Thread-safe."""

    def __init__(self, structure: Structure, width: int) -> None:
        assert structure.detail is not None
        self.structure, self.detail, self.width = structure, structure.detail, width
        self._lock = threading.Lock()
        self._expected: list[Expected] = []
        self._sums = _first_sums(structure)
        self.factors = [self._factor(o) for o in range(structure.channels)]

    def __reduce__(self) -> tuple[Callable[..., "DetailModel"], tuple[Structure, int]]:
        return detail_model, (self.structure, self.width)

    def expected(self, layer: int) -> Expected:
        """Return the statistics of a hidden layer. Raises SceneError if too many are needed."""
        with self._lock:
            while len(self._expected) <= layer:
                self._expect_next()
        return self._expected[layer]

    def _expect_next(self) -> None:
        if len(self._expected) >= MAX_LAYERS:
            raise SceneError(
                f"cppn.gain = {self.detail.gain:g}: needs more than {MAX_LAYERS} layers here; "
                "use a larger gain or a smaller canvas"
            )
        variance, gradient = self._sums
        names = components(self.structure.activation(len(self._expected)))
        moments = [DETAIL_ACTIVATIONS[name](variance) for name in names]
        means = tuple(m.mean for m in moments)
        square = sum(m.square for m in moments) / len(names)
        spread = square - sum(mean * mean for mean in means) / len(names)
        gradient = gradient * (sum(m.slope for m in moments) / len(names))
        frequency = math.sqrt(gradient / spread)
        first = self._expected[0].frequency if self._expected else frequency
        octave = log2(frequency / first)
        self._expected.append(Expected(frequency, octave, means, spread))
        gain = self.detail.gain
        self._sums = (gain**2 * square + self.detail.bias**2, gradient * gain**2)

    def amplitudes(
        self, view: Sampling | None = None, fineness: float = 0.0, overall: float = 0.0
    ) -> list[Amplitude]:
        """Return the amplitude of each layer that is evaluated.

        Without a view: those of the stored layers at the structure's own scale, without fading.
        fineness: octaves by which layers are finer at the view's centre than expected. overall: the
        same for the whole picture, which affects only the fade, so that forms do not change.
        """
        held = len(self.structure.activations)
        inside = whole = 0.0
        finest, last = math.inf, held
        if view is not None:
            inside, finest = self.inside(view), self._finest(view)
            whole = self._whole(view, fineness, overall)
            last = held if self.detail.seed is None else MAX_LAYERS + 1
        result: list[Amplitude] = []
        finer = -math.inf  # layers fade in order
        while len(result) < last:
            octave = self.expected(len(result)).octave
            finer = max(finer, octave)
            left = finest - finer - whole  # octaves, at places as fine as the whole
            if left <= CALM and result:
                break
            away = octave + fineness - inside
            outputs = range(self.structure.channels)
            factors = tuple(_amplitude(away, self.detail.decay_of(o)) for o in outputs)
            fade = (finest - finer) / FADE if left < FADE + BUSY else None
            result.append(Amplitude(factors, fade))
        return result

    def local_fineness(
        self, view: Sampling, fineness: float = 0.0, overall: float = 0.0
    ) -> LocalFineness:
        """Return how to compute the local fineness in a view; see `amplitudes`."""
        whole, held = self._whole(view, fineness, overall), len(self.structure.activations)
        last = held - 1 if self.detail.seed is None else MAX_LAYERS
        octave, layer = self._finest(view) - whole - FOLLOWED, 0
        while layer < last and self.expected(layer + 1).octave <= octave:
            layer += 1
        shares: tuple[float, ...] = (1.0,)
        here = self.expected(layer).octave
        if layer < last and octave > here:
            share = smoothstep((octave - here) / (self.expected(layer + 1).octave - here))
            shares = (1.0 - share, share)
        known = (self.expected(layer + k) for k in range(len(shares)))
        squares = (log2((e.frequency * view.step) ** 2 * e.variance) for e in known)
        expected = sum(share * square for share, square in zip(shares, squares, strict=True))
        return LocalFineness(layer, shares, expected, whole)

    def _finest(self, view: Sampling) -> float:
        """Return the octave beyond which layers are invisible, as far as they are as expected."""
        return log2(LIMIT * math.pi / (view.step * self.expected(0).frequency))

    def _whole(self, view: Sampling, fineness: float, overall: float) -> float:
        return fineness + (1.0 - smoothstep(self.inside(view) / RAMP)) * overall

    def inside(self, view: Sampling) -> float:
        """Return the octaves by which a view is inside the structure's scale; smooth at 0."""
        octaves = log2(self.detail.scale / view.scale)
        if octaves <= 0.0:
            return 0.0
        return 0.5 * octaves * octaves if octaves <= 1.0 else octaves - 0.5

    def octaves(self, view: Sampling) -> float:
        """Return the octaves from the structure's scale to a view's pixels."""
        return log2(self.detail.scale / view.step)

    def coarser(self, view: Sampling, fineness: float) -> int:
        """Return the number of layers that vary less than once over a view; at least 1."""
        inside, layer = self.inside(view), 1
        while self.expected(layer).octave + fineness < inside:
            layer += 1
        return layer

    def fineness(
        self,
        view: Sampling,
        layers: Iterable[tuple[NDArray[np.floating], NDArray[np.floating]]],
        center: Center | None = None,
    ) -> float:
        """Return the octaves by which layers are finer at the view's centre than expected.

        From the network's derivative there, over the layers 2 to 5 octaves coarser than the view,
        which are nearly linear within it. layers: weight (out, in) and bias of each, layer 0 with
        the inputs x, y and r. center: for the precision that a deep view needs.
        """
        inside = self.inside(view)
        ramp = smoothstep(inside / RAMP)
        h, jacobian = _coordinates(*np.array(view.center)[:, None])
        total = weights = 0.0
        for i, (weight, bias) in enumerate(layers):
            octave = self.expected(i).octave
            if octave - inside >= NEAR or ramp == 0.0:
                break
            sums = None if center is None else center.sums(i)[:, None]
            h, jacobian = self._through(i, weight, bias, h, jacobian, sums)
            place = (octave - inside - FAR) / (NEAR - FAR)
            if place > 0.0:
                share = (place * (1.0 - place)) ** 2
                total += share * self._finer(i, jacobian)
                weights += share
        return _rounded(ramp * total / weights) if weights else 0.0

    def overall(self, layers: Sequence[tuple[NDArray[np.floating], NDArray[np.floating]]]) -> float:
        """Return the octaves by which layers are finer than expected, over the whole picture.

        From the network's derivative at PLACES points, each with its own latent. layers: weight
        (out, in) and bias of the hidden layers to evaluate; layer 0 with the structure's inputs.
        """
        h, jacobian = self._places
        for i, (weight, bias) in enumerate(layers):
            h, jacobian = self._through(i, weight, bias, h, jacobian)
        return _rounded(self._finer(len(layers) - 1, jacobian))

    @cached_property
    def _places(self) -> tuple[Array, Array]:
        """Inputs (in, PLACES) at points of the whole picture, and their derivatives (in, 2, PLACES)
        by x and y; the same for all seeds.
        """
        s = self.structure
        u = uniforms(0, PLACES_STREAM, PLACES * (2 + s.z_dim)).reshape(-1, PLACES)
        plane, slopes = _coordinates(*(2.0 * u[:2] - 1.0) * self.detail.scale)
        rows = {"z": s.latent.quantile(u[2:]) * s.latent_scale, "one": np.ones((1, PLACES))}
        rows |= {name: plane[[k]] for k, name in enumerate(COORDINATES)}
        h = np.concatenate([rows[name] for name in s.inputs])
        jacobian = np.zeros((len(h), 2, PLACES))
        chosen = [COORDINATES.index(name) for name in s.inputs if name in COORDINATES]
        jacobian[: len(chosen)] = slopes[chosen]
        return h, jacobian

    def _through(
        self,
        i: int,
        weight: NDArray[np.floating],
        bias: NDArray[np.floating],
        h: Array,
        jacobian: Array,
        sums: Array | None = None,
    ) -> tuple[Array, Array]:
        """Return a layer's values (out, n) and their derivatives (out, 2, n) from its inputs'.

        sums: the layer's sums, if they are known; they become the values.
        """
        from tilecppn.cppn.compiled import activate

        h = weight @ h + bias[:, None] if sums is None else sums
        jacobian = (weight @ jacobian.reshape(len(jacobian), -1)).reshape(len(h), 2, -1)
        activate(components(self.structure.activation(i)), h, jacobian)
        return h, jacobian

    def _finer(self, i: int, jacobian: Array) -> float:
        """Return the octaves by which layer i is finer than expected, from its derivative."""
        frequency, _, _, variance = self.expected(i)
        square = float(np.square(jacobian).sum()) / jacobian.shape[-1]
        return log2(math.sqrt(max(square, 1e-300) / (self.width * variance)) / frequency)

    def means(self, count: int) -> Array:
        """Return the expected means (count, width) of the first layers' units."""
        return np.stack([_repeated(self.expected(i).means, self.width) for i in range(count)])

    def scaled(
        self, readouts: NDArray[np.floating], amplitudes: Sequence[Amplitude]
    ) -> NDArray[np.float64]:
        """Return layers' readouts (n, channels, width) times their amplitudes, float64."""
        factors = np.array(self.factors) * np.array([a.factors for a in amplitudes])
        return np.asarray(readouts.astype(np.float64) * factors[:, :, None])

    def _factor(self, output: int) -> float:
        """Return the factor that gives an output's sum the deviation `contrast`."""
        total, layer = 0.0, 0
        decay = log2(self.detail.decay_of(output))
        while True:
            _, octave, _, variance = self.expected(layer)
            power = exp2(2.0 * decay * octave)
            if power < REST:
                return self.detail.contrast_of(output) / math.sqrt(self.width * total)
            total += variance * power
            layer += 1


def detail_model(structure: Structure, width: int) -> DetailModel:
    """Return the model for a structure and width, which is the same for all seeds."""
    detail = structure.detail
    assert detail is not None
    common = replace(detail, seed=None if detail.seed is None else 0, lineage=())
    return _model(replace(structure, view={}, detail=common), width)


_model = lru_cache(64)(DetailModel)


@lru_cache(1024)
def _repeated(means: tuple[float, ...], width: int) -> Array:
    return np.resize(means, width)


def _first_sums(structure: Structure) -> tuple[float, float]:
    """Return the variance of layer 0's sums over the picture and seeds, and of their gradient."""
    detail = structure.detail
    assert detail is not None
    squares = {"x": detail.first[0] ** 2, "y": detail.first[1] ** 2, "r": detail.first[0] ** 2}
    variance, gradient = detail.bias**2, 0.0
    for name in structure.inputs:
        if name in squares:  # x and y are even over ±scale; r² is x² + y²
            share = 2.0 if name == "r" else 1.0
            variance += share * squares[name] * detail.scale**2 / 3.0
            gradient += squares[name]
        elif name == "z":
            variance += detail.latent**2 * structure.z_dim / 3.0
        else:
            variance += detail.bias**2
    return variance, gradient


def _coordinates(x: Array, y: Array) -> tuple[Array, Array]:
    """Return x, y and r of points (n,): (3, n), and their derivatives (3, 2, n)."""
    r = np.sqrt(x * x + y * y)
    slopes = np.zeros((3, 2, len(x)))
    slopes[0, 0] = slopes[1, 1] = 1.0
    slopes[2] = np.divide([x, y], r, out=slopes[2], where=r > 0.0)
    return np.stack([x, y, r]), slopes


def _rounded(fineness: float) -> float:
    return round(fineness / FINENESS) * FINENESS


def _amplitude(octave: float, decay: float) -> float:
    exponent = octave * log2(decay)
    if octave < 0.0:
        exponent -= RECEDE * octave * octave
    return exp2(exponent) if exponent > FAINTEST else 0.0
