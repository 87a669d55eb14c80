"""Immutable copies of arguments: NumPy arrays and lists become tuples."""

from collections.abc import Iterator, Mapping
from typing import Any


class FrozenMapping(Mapping[str, Any]):
    """An immutable mapping; its values are frozen, so it can be compared and hashed."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        """Copy `values`."""
        self._values = {name: freeze(value) for name, value in values.items()}

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return repr(self._values)


def freeze(value: Any) -> Any:
    """Convert arrays and lists to tuples, and NumPy numbers to Python's, recursively."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return FrozenMapping(value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Convert a frozen value to dictionaries and lists, as in TOML and JSON."""
    if isinstance(value, Mapping):
        return {name: thaw(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value
