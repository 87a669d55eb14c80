"""Lookups in tables of names, with a suggestion for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

from tilecppn.errors import SceneError


def suggestion(names: Iterable[str], wrong: str) -> str:
    """Suggest a name: `did you mean "tanh"?`, or list all names."""
    known = list(names)
    close = get_close_matches(wrong, known, n=1)
    return f'did you mean "{close[0]}"?' if close else "known: " + ", ".join(known)


def one_of(names: Iterable[str], name: str, what: str) -> str:
    """Return `name` if it is one of `names`.

    `what` is its kind, as "preset". Raises SceneError with the nearest name.
    """
    known = list(names)
    if name not in known:
        raise SceneError(
            f'unknown {what} "{name}"; {suggestion(known, name)}',
            value=name,
            allowed="one of " + ", ".join(known),
        )
    return name
