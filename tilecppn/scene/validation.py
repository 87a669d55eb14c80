"""Validates a scene's values: checks, and the base class of sections, whose fields carry them."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from tilecppn.errors import SceneError
from tilecppn.scene import palettes, paper

LONGEST_NAME = 100  # characters of a wrong name that are compared with the right ones
_RECORD = "# tilecppn {"  # the beginning of a provenance line (`exporters/output/provenance.py`)


@dataclass(frozen=True)
class Check:
    """A check of a value.

    allowed: what the value must be, in words that follow "must be". parse: returns the value as
    it is stored, or raises ValueError, TypeError or OverflowError. schema: the same as a JSON
    Schema, as far as possible; `nullable` and `format` as in OpenAPI.
    """

    allowed: str
    parse: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)


def key(default: Any, check: Check) -> Any:
    """Return a field of a Section: its default and its check."""
    return field(default=default, metadata={"check": check})


def check(
    allowed: str, test: Callable[[Any], bool], keep: Callable[[Any], Any], **schema: Any
) -> Check:
    """Return a Check that accepts values that pass `test`; `keep` converts them."""

    def parse(value: Any) -> Any:
        if not test(value):
            raise ValueError
        return keep(value)

    return Check(allowed, parse, schema)


def integer(low: int, high: int) -> Check:
    """Accept an integer, not a bool, from low to high."""
    return check(
        f"an integer from {low} to {high}",
        lambda v: type(v) is int and low <= v <= high,
        int,
        type="integer",
        minimum=low,
        maximum=high,
    )


def number(
    allowed: str = "a finite number",
    test: Callable[[float], bool] = math.isfinite,
    **schema: Any,
) -> Check:
    """Accept a finite number that passes `test`; store it as a float."""
    return check(
        allowed,
        lambda v: type(v) in (int, float) and math.isfinite(v) and test(v),
        float,
        type="number",
        **schema,
    )


def tolerance() -> Check:
    """Accept a tolerance, 0 or more, in steps of the output."""
    return number("a finite number of 0 or more", lambda v: v >= 0, minimum=0)


def numbers(count: int | None = None) -> Check:
    """Accept a list of finite numbers, `count` of them unless None; store a tuple of floats."""
    one = number()
    return check(
        f"a list of {count or 'finite'} numbers",
        lambda v: isinstance(v, list | tuple) and count in (None, len(v)),
        lambda v: tuple(one.parse(x) for x in v),
        type="array",
        items=one.schema,
        **({} if count is None else {"minItems": count, "maxItems": count}),
    )


def latent() -> Check:
    """Accept a list of finite numbers, or a string that names a file of latents."""
    many, one = numbers(), text()
    return Check(
        'a list of finite numbers, or "latents.json#name"',
        lambda v: (one if isinstance(v, str) else many).parse(v),
        many.schema,
    )


def choice(*options: str | int, note: str = "") -> Check:
    """Accept one of the options; `note` is added to the description."""
    allowed = "one of " + ", ".join(json.dumps(o) for o in options)
    known = {(type(o), o) for o in options}
    return check(
        f"{allowed} ({note})" if note else allowed,
        lambda v: (type(v), v) in known,
        lambda v: v,
        enum=list(options),
    )


def boolean() -> Check:
    """Accept true or false."""
    return check("true or false", lambda v: type(v) is bool, bool, type="boolean")


def text() -> Check:
    """Accept a string that is not empty and can be a file name."""
    return check(
        "a text in quotes, without NUL",
        lambda v: isinstance(v, str) and v != "" and "\0" not in v,
        str,
        type="string",
    )


def caption(longest: int) -> Check:
    """Accept a text of up to `longest` printable characters, line breaks and tabs."""

    def test(value: Any) -> bool:
        return (
            isinstance(value, str)
            and len(value) <= longest
            and all(c.isprintable() or c in "\n\t" for c in value)
            and _RECORD not in value
        )

    return check(
        f"a text of up to {longest:,} characters, without control characters",
        test,
        str.strip,
        type="string",
        maxLength=longest,
    )


def names(*known: str, separator: str | None = None) -> Check:
    """Accept a list of known names, not empty; with `separator`, also several in one string."""
    one = choice(*known)

    def parse(value: Any) -> str:
        for part in value.split(separator) if separator and isinstance(value, str) else [value]:
            one.parse(part)
        return str(value)

    joined = f', or several with "{separator}" between' if separator else ""
    return check(
        f"a list of names, each {one.allowed}{joined}",
        lambda v: isinstance(v, list | tuple) and len(v) > 0,
        lambda v: tuple(parse(x) for x in v),
        type="array",
        items=one.schema,
        minItems=1,
    )


def sheet() -> Check:
    """Accept a size on paper; store its text."""
    allowed = 'a size on paper like "60x40in", "150x100cm", "A0" or "B2 landscape"'
    return check(
        allowed, lambda v: isinstance(v, str) and len(paper.sheet(v)) == 2, str, format="sheet"
    )


def length() -> Check:
    """Accept a length of 0 or more; store its text."""
    allowed = 'a length like "3mm", "0.125in" or "36px"'
    return check(
        allowed,
        lambda v: isinstance(v, str) and paper.length(v, 1.0) >= 0.0,
        str,
        format="length",
    )


def crop() -> Check:
    """Accept a rectangle within the canvas, in fractions of its sides."""
    four = numbers(4)

    def parse(value: Any) -> tuple[float, ...]:
        left, top, width, height = four.parse(value)
        for start, part in ((left, width), (top, height)):
            if not (start >= 0.0 and part > 0.0 and start + part <= 1.0 + 1e-9):
                raise ValueError
        return (left, top, width, height)

    allowed = "[left, top, width, height] as parts of the canvas, from 0 to 1"
    return Check(allowed, parse, four.schema)


def between(low: float, high: float) -> Check:
    """Accept a number from low to high."""
    allowed = f"a number from {low:g} to {high:g}"
    return number(allowed, lambda v: low <= v <= high, minimum=low, maximum=high)


def per_output() -> Check:
    """Accept a number, or a list with one for each output; store a tuple."""
    one, many = number(), numbers()
    return Check(
        "a number, or a list of one for each of the network's outputs",
        lambda v: many.parse(v) if isinstance(v, list | tuple) else (one.parse(v),),
        many.schema,
    )


def colour() -> Check:
    """Accept a colour #rgb or #rrggbb."""
    return check(
        'a colour like "#0b1d51"',
        lambda v: isinstance(v, str) and palettes.is_colour(v),
        str,
        format="color",
    )


def palette() -> Check:
    """Accept a colour map's name, or a list of colours; store a list as a tuple."""

    def parse(value: Any) -> str | tuple[str, ...]:
        if isinstance(value, str):
            palettes.stops(value)  # raises SceneError with the nearest name
            return value
        if not isinstance(value, list | tuple):
            raise ValueError
        if (wrong := palettes.list_error(value)) is not None:
            index, must = wrong
            colour = "" if index is None else f"colour {index + 1}, {format_value(value[index])}: "
            raise SceneError(f"{colour}{must}")
        return tuple(value)

    return Check(
        'a list of colours like "#0b1d51", 2 at least, all or none with a place like '
        '"#0b1d51 30%", increasing from 0% to 100%; a colour map\'s name; "seed:12"; or a picture '
        'like "photo.jpg"',
        parse,
        {"format": "palette", "minItems": 2, "maxItems": palettes.MAX_COLOURS},
    )


@dataclass(frozen=True)
class SeededAmount:
    """A table {seed = 5, amount = 0.1}."""

    seed: int
    amount: float


def seeded_amount(largest: int) -> Check:
    """Accept a table of a seed, up to `largest`, and an amount from 0 to 1."""
    seed, amount = integer(0, largest), between(0.0, 1.0)

    def parse(value: Any) -> SeededAmount:
        table = vars(value) if isinstance(value, SeededAmount) else value
        if not isinstance(table, Mapping) or set(table) != {"seed", "amount"}:
            raise ValueError
        return SeededAmount(seed.parse(table["seed"]), amount.parse(table["amount"]))

    parts = {"seed": seed.schema, "amount": amount.schema}
    return Check(
        "a table like {seed = 5, amount = 0.1}, amount from 0 to 1",
        parse,
        {"type": "object", "properties": parts},
    )


def several(one: Check, most: int) -> Check:
    """Accept a list of 1 to `most` values that `one` accepts; store a tuple."""
    return check(
        f"a list of 1 to {most}, each {one.allowed}",
        lambda v: isinstance(v, list | tuple) and 1 <= len(v) <= most,
        lambda v: tuple(one.parse(x) for x in v),
        type="array",
        items=one.schema,
        minItems=1,
        maxItems=most,
    )


def power_of_two(low: int, high: int) -> Check:
    """Accept a power of two from low to high."""
    return check(
        f"a power of two from {low} to {high}",
        lambda v: type(v) is int and low <= v <= high and v & (v - 1) == 0,
        int,
        enum=[2**k for k in range(low.bit_length() - 1, high.bit_length())],
    )


def optional(check: Check) -> Check:
    """Accept what `check` accepts, or None."""
    return Check(
        check.allowed,
        lambda value: None if value is None else check.parse(value),
        {**check.schema, "nullable": True},
    )


@dataclass(frozen=True, repr=False)
class Section:
    """A dataclass whose fields carry a Check that every value must pass.

    Raises SceneError with the key, as "canvas.width", the value and what is allowed.
    """

    def values(self) -> dict[str, Any]:
        """Return the section's keys and values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def given(self) -> dict[str, Any]:
        """Return the keys that are not at their defaults."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) != f.default}

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.given().items())
        return f"{type(self).__name__}({told})"

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if value is f.default and value is not None:  # a test checks the defaults
                continue
            value = value.tolist() if hasattr(value, "tolist") else value  # NumPy's types
            check: Check = f.metadata["check"]
            try:
                object.__setattr__(self, f.name, check.parse(value))
            except (ValueError, TypeError, OverflowError) as error:
                known = f"{error}" if isinstance(error, SceneError) else _remedy(value, check)
                name = f"{type(self).__name__.lower()}.{f.name}"
                raise SceneError(
                    f"{name} = {format_value(value)}: {known}",
                    keys=[name],
                    value=value,
                    allowed=check.allowed,
                ) from None


def format_value(value: Any) -> str:
    """Format a value as in TOML, shortened to 60 characters."""
    if value is None:
        return "none"
    try:
        words = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    except (TypeError, ValueError):
        try:
            words = str(value)
        except ValueError:  # an integer of thousands of digits
            words = hex(value)
    return words if len(words) <= 60 else words[:57] + "…"


def _remedy(value: Any, check: Check) -> str:
    """Return what a wrong value must be, and the nearest name to a wrong one."""
    schema = check.schema.get("items", check.schema) if isinstance(value, list) else check.schema
    known = [name for name in schema.get("enum", ()) if isinstance(name, str)]
    values = value if isinstance(value, list) else [value]
    wrong = next((v for v in values if isinstance(v, str) and v not in known), "")
    near = get_close_matches(wrong[:LONGEST_NAME], known, n=1)
    must = f"must be {check.allowed}"
    return f'did you mean "{near[0]}"? It {must}' if near else must
