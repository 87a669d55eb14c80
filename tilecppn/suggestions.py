"""Checks names against tables, suggesting the nearest name for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

from tilecppn.errors import SceneError

MOST = 40  # names in a list, which is part of a sentence


def suggestion(names: Iterable[str], wrong: str) -> str:
    """Return `did you mean "tanh"?` for a similar name, or else a list of names."""
    known = list(names)
    close = get_close_matches(wrong, known, n=1)
    listed = known if len(known) <= MOST else [*known[:MOST], "…"]
    return f'did you mean "{close[0]}"?' if close else "known: " + ", ".join(listed)


def one_of(names: Iterable[str], name: str, what: str) -> str:
    """Return `name` if it is one of `names`.

    what: the kind of name, as "preset". Raises SceneError with the nearest name.
    """
    known = list(names)
    if name not in known:
        raise SceneError(
            f'unknown {what} "{name}"; {suggestion(known, name)}',
            value=name,
            allowed="one of " + ", ".join(known),
        )
    return name
