"""A track: one value of the scene over time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.film.timeline.interpolation import EASINGS, INTERPOLATIONS, Segment, spline_slopes
from tilecppn.film.timeline.values import COLOUR, PALETTE, ValueType, value_type


@dataclass(frozen=True)
class Track:
    """`values[i]` at `times[i]` seconds, increasing; constant before the first and after the last.

    `easings[i]` applies from keyframe i to the next. With `period`, in seconds, the last one leads
    back to the first value; a keyframe exactly one period after the first is that return.
    """

    times: tuple[float, ...]
    values: tuple[Any, ...]
    interpolation: str
    easings: tuple[str, ...]
    period: float | None = None

    @cached_property
    def value_type(self) -> ValueType | None:
        """The type that decides how values are interpolated; None if each holds until the next."""
        return value_type(self.values)

    @cached_property
    def rows(self) -> list[NDArray[np.float64]]:
        """The values as numbers, (n,) each; empty if each holds until the next."""
        return [] if self.value_type is None else self.value_type.encode(self.values)

    @property
    def blends_colours(self) -> bool:
        """Whether the track blends between different colours or palettes."""
        return self.value_type in (COLOUR, PALETTE) and len(set(self.values)) > 1

    @property
    def steps(self) -> bool:
        """Whether the track jumps at a keyframe although no easing is "hold"."""
        moves = (a != b for a, b in pairwise(self.values))
        return self.value_type is None and any(
            move and easing != "hold" for move, easing in zip(moves, self.easings, strict=False)
        )

    def at(self, time: float) -> Any:
        """Return the value at a time in seconds; exactly a keyframe's value at its time."""
        knots = self._times
        if self.period is not None:
            time = knots[0] + (time - knots[0]) % self.period
        i = max(0, bisect_right(knots, time) - 1)
        if i >= len(knots) - 1 or time <= knots[0] or self.value_type is None:
            return self.values[i % len(self.values)]
        length = knots[i + 1] - knots[i]
        u = EASINGS[self.easings[i]]((time - knots[i]) / length)
        if u == 0.0:
            return self.values[i]
        slopes = self._slopes
        segment = Segment(self._knots[i], self._knots[i + 1], (slopes[i], slopes[i + 1]), length)
        row = INTERPOLATIONS[self.interpolation].between(segment, u)
        return self.value_type.decode(row, self.values[i])

    @cached_property
    def _times(self) -> tuple[float, ...]:
        """The times of the keyframes, including the return to the first."""
        if self.period is None or self.times[-1] == self.times[0] + self.period:
            return self.times
        return (*self.times, self.times[0] + self.period)

    @cached_property
    def _knots(self) -> NDArray[np.float64]:
        """The rows at `_times`, (k, n)."""
        return np.stack([*self.rows, *self.rows[:1]][: len(self._times)])

    @cached_property
    def _slopes(self) -> NDArray[np.float64]:
        if INTERPOLATIONS[self.interpolation].smooth:
            return spline_slopes(self._times, self._knots, self.period is not None)
        return np.zeros_like(self._knots)


def per_frame(values: Sequence[Any], rate: float) -> Track:
    """Make a track of one value per frame, linear between them; `rate` is frames per second."""
    times = tuple(k / rate for k in range(len(values)))
    return Track(times, tuple(values), "linear", ("linear",) * len(values))
