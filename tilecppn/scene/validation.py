"""What a scene's value may be: small checks, each with the words that tell a person."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.scene import palettes


@dataclass(frozen=True)
class Check:
    """`parse` returns the value as it is kept, or raises ValueError; `allowed` says what is."""

    allowed: str
    parse: Callable[[Any], Any]


def integer(low: int, high: int) -> Check:
    def parse(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError
        return value

    return Check(f"an integer from {low} to {high}", parse)


def number(
    words: str = "a finite number", accept: Callable[[float], bool] = math.isfinite
) -> Check:
    def parse(value: Any) -> float:
        if type(value) not in (int, float) or not (math.isfinite(value) and accept(value)):
            raise ValueError
        return float(value)

    return Check(words, parse)


def numbers(count: int | None = None) -> Check:
    one = number()

    def parse(value: Any) -> tuple[float, ...]:
        if not isinstance(value, list | tuple) or (count is not None and len(value) != count):
            raise ValueError
        return tuple(one.parse(v) for v in value)

    return Check(f"a list of {count or 'finite'} numbers", parse)


def latent() -> Check:
    many, one = numbers(), text()

    def parse(value: Any) -> tuple[float, ...] | str:
        kept: tuple[float, ...] | str = (one if isinstance(value, str) else many).parse(value)
        return kept

    return Check('a list of finite numbers, or "latents.json#name"', parse)


def choice(*options: str | int) -> Check:
    def parse(value: Any) -> str | int:
        for option in options:
            if type(value) is type(option) and value == option:
                return option
        raise ValueError

    return Check("one of " + ", ".join(json.dumps(o) for o in options), parse)


def boolean() -> Check:
    def parse(value: Any) -> bool:
        if type(value) is not bool:
            raise ValueError
        return value

    return Check("true or false", parse)


def text() -> Check:
    def parse(value: Any) -> str:
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        return value

    return Check("a text in quotes, without NUL", parse)


def names(*known: str) -> Check:
    one = choice(*known)

    def parse(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError
        return tuple(one.parse(v) for v in value)

    return Check("a list of names, each " + one.allowed, parse)


def palette() -> Check:
    def parse(value: Any) -> str | tuple[str, ...]:
        if isinstance(value, str):
            palettes.stops(value)
            return value
        if not isinstance(value, list | tuple) or not 2 <= len(value) <= palettes.MAX_COLOURS:
            raise ValueError
        if not all(isinstance(v, str) and palettes.is_colour(v) for v in value):
            raise ValueError
        return tuple(value)

    return Check('a list of colours like "#0b1d51", 2 at least, or a colour map\'s name', parse)


def power_of_two(low: int, high: int) -> Check:
    def parse(value: Any) -> int:
        if type(value) is not int or not low <= value <= high or value & (value - 1):
            raise ValueError
        return value

    return Check(f"a power of two from {low} to {high}", parse)


def optional(check: Check) -> Check:
    return Check(check.allowed, lambda value: None if value is None else check.parse(value))


@dataclass(frozen=True)
class Section:
    """A dataclass whose fields carry a Check; values are checked however it is made."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            value = value.tolist() if hasattr(value, "tolist") else value  # NumPy's own numbers
            check: Check = f.metadata["check"]
            try:
                object.__setattr__(self, f.name, check.parse(value))
            except SceneError:
                raise
            except (ValueError, TypeError, OverflowError):
                name = f"{type(self).__name__.lower()}.{f.name}"
                raise SceneError(
                    f"{name} = {format_value(value)}: must be {check.allowed}"
                ) from None


def format_value(value: Any) -> str:
    """A value as a person would write it in TOML, shortened."""
    try:
        words = json.dumps(value)
    except (TypeError, ValueError):
        words = str(value)
    return words if len(words) <= 60 else words[:57] + "…"
