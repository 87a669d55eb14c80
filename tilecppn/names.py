"""Names in tables, and the nearest right one for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches

from tilecppn.errors import SceneError


def suggestion(names: Iterable[str], wrong: str) -> str:
    """`did you mean "tanh"?`, or the list of all names."""
    known = list(names)
    close = get_close_matches(wrong, known, n=1)
    return f'did you mean "{close[0]}"?' if close else "known: " + ", ".join(known)


def one_of(names: Iterable[str], name: str, what: str) -> str:
    """`name` if it is one of `names`; else SceneError with the nearest one."""
    known = list(names)
    if name not in known:
        raise SceneError(f'unknown {what} "{name}"; {suggestion(known, name)}')
    return name
