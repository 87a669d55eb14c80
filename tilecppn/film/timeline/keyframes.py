"""The sections [film] and [[keyframe]] of a timeline file, as frozen values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.film.timeline.frozen import FrozenMapping
from tilecppn.film.timeline.interpolation import EASINGS, INTERPOLATIONS
from tilecppn.scene import validation
from tilecppn.scene.validation import Check, Section, key
from tilecppn.suggestions import one_of

MAX_FPS = 1000
MAX_SAMPLES = 256


def rate() -> Check:
    """Allow frames per second, as a number or a ratio."""

    def parse(value: Any) -> Fraction:
        if type(value) not in (int, float, str, Fraction):
            raise ValueError
        if "/" not in str(value) and not 0 < float(value) <= MAX_FPS:
            raise ValueError  # a Fraction of "1e999999999" would take for ever
        try:
            found = Fraction(str(value))  # 29.97 as written, not the nearest float
        except ZeroDivisionError:
            raise ValueError from None
        if not 0 < found <= MAX_FPS:
            raise ValueError
        return found

    return Check(f'a number above 0 and up to {MAX_FPS}, or a ratio like "30000/1001"', parse)


def table(allowed: str, known: Mapping[str, Any] | None = None) -> Check:
    """Allow a table track → value; nested tables become dotted names, except those of sounds.

    known: the allowed values; None for any.
    """

    def parse(value: Any) -> FrozenMapping:
        flat: dict[str, Any] = {}
        for name, inner in mapping(allowed).parse(value).items():
            if isinstance(inner, Mapping) and "track" not in inner:
                flat.update({f"{name}.{part}": v for part, v in inner.items()})
            else:
                flat[name] = inner
        if known is not None and not all(isinstance(v, str) and v in known for v in flat.values()):
            raise ValueError
        return FrozenMapping(flat)

    return Check(allowed, parse)


def mapping(allowed: str, test: Callable[[Mapping[str, Any]], bool] = lambda found: True) -> Check:
    """Allow a table that passes `test`; None becomes an empty one."""

    def parse(value: Any) -> FrozenMapping:
        found = {} if value is None else value
        if not isinstance(found, Mapping) or not test(found):
            raise ValueError
        return FrozenMapping(found)

    return Check(allowed, parse)


def latents() -> Check:
    """Allow a table of latents by name."""
    return mapping(
        "a table of named latents, as in a = {seed = 1}",
        lambda named: all(n.isidentifier() and isinstance(v, Mapping) for n, v in named.items()),
    )


def frame_range() -> Check:
    """Allow two frame numbers, the first smaller, or nothing."""

    def parse(value: Any) -> tuple[int, int] | None:
        if value is None:
            return None
        first, last = value
        if not type(first) is type(last) is int or not 0 <= first < last:
            raise ValueError
        return first, last

    return Check("two frame numbers, the first one drawn and the one after the last", parse)


@dataclass(frozen=True)
class Film(Section):
    """The section [film]: length, frame rate, and interpolation between keyframes.

    Frame k is at k / fps seconds, in the half-open [0, seconds). Only the frames in the half-open
    range `excerpt` are drawn, if it is given, and within `tolerance` instead of `output.tolerance`,
    if that is given.
    """

    seconds: float = key(10.0, validation.number("a finite number above 0", lambda v: v > 0))
    fps: Fraction = key(Fraction(30), rate())
    loop: bool = key(False, validation.boolean())
    samples: int = key(1, validation.integer(1, MAX_SAMPLES))
    shutter: float = key(0.5, validation.number("a number from 0 to 1", lambda v: 0 <= v <= 1))
    tolerance: float | None = key(None, validation.optional(validation.tolerance()))
    interpolation: Mapping[str, str] = key(
        None, table("a table of tracks, each one of " + ", ".join(INTERPOLATIONS), INTERPOLATIONS)
    )
    easing: Mapping[str, str] = key(
        None, table("a table of tracks, each one of " + ", ".join(EASINGS), EASINGS)
    )
    latents: Mapping[str, Mapping[str, Any]] = key(None, latents())  # for keyframes' formulas
    arrays: Mapping[str, Any] = key(
        None, table("a table of tracks, each a list, one value a frame, or a sound's")
    )

    excerpt: tuple[int, int] | None = key(None, frame_range())

    @property
    def all_frames(self) -> int:
        """The number of frames in `seconds`."""
        return int(Fraction(str(self.seconds)) * self.fps + Fraction(1, 2))

    @property
    def first(self) -> int:
        """The index of the first frame that is drawn."""
        return 0 if self.excerpt is None else self.excerpt[0]

    @property
    def frames(self) -> int:
        """The number of frames that are drawn."""
        return self.all_frames if self.excerpt is None else self.excerpt[1] - self.excerpt[0]


@dataclass(frozen=True)
class Keyframe(Section):
    """A section [[keyframe]]: values of the scene's sections at `time`, in seconds.

    latent: one of seed, z, and sum, a formula. cppn, view, output: keys of the scene's sections.
    easing: of the transition to the next keyframe.
    """

    time: float = key(None, validation.number("a number of seconds, 0 or more", lambda v: v >= 0))
    latent: Mapping[str, Any] = key(None, mapping("a table with one of seed, z, sum"))
    cppn: Mapping[str, Any] = key(None, mapping("a table, as in cppn.seed = 1"))
    view: Mapping[str, Any] = key(None, mapping("a table, as in view.scale = 1.0"))
    output: Mapping[str, Any] = key(None, mapping("a table of the keys of [output]"))
    easing: str | None = key(None, validation.optional(validation.choice(*EASINGS)))


def make_section(kind: type[Any], values: Any) -> Any:
    """Make a Film or Keyframe from a table. Raises SceneError, also for unknown keys."""
    name = kind.__name__.lower()
    if not isinstance(values, Mapping):
        raise SceneError(f"{name} must be a section")
    known = [f"{name}.{f.name}" for f in fields(kind)]
    for key_ in values:
        one_of(known, f"{name}.{key_}", "key")
    return kind(**values)
