"""Writes TOML in ASCII, and parses untrusted TOML, refusing text that would take too long."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

MAX_BYTES = 4 << 20  # of a scene or timeline
MAX_WORD = 1000  # characters of a number or a bare key; Python does not print longer numbers
MAX_PARTS = 32  # of a dotted key: tomllib's time grows with their square
MAX_SECTIONS = 50_000
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")  # occurs only in strings: keys are ASCII
# Strings and comments, from the left as TOML reads them. One without an end, which is an error in
# TOML, reaches as far as it can: to search from each of its quotes anew would take for ever.
_TEXT = re.compile(
    r""""{3}(?:[^\\]|\\.|\\\Z)*?(?:"{3,5}|\Z)|"(?:[^"\\\n]|\\.|\\\Z)*"?|"""
    r"""'{3}.*?(?:'{3,5}|\Z)|'[^'\n]*'?|#[^\n]*""",
    re.DOTALL,
)
_WORD = re.compile(r"[\w+-]+")
_DOTTED = re.compile(rf"(?<![\w.-])[\w-]+(?:[ \t]*\.[ \t]*[\w-]+){{{MAX_PARTS}}}")


def dumps(values: Mapping[str, Any]) -> str:
    """Return TOML in ASCII, which every file format can hold: other characters are escaped."""
    import tomli_w

    return _NOT_ASCII.sub(_escaped, tomli_w.dumps(values))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


def loads(text: str) -> dict[str, Any]:
    """Parse TOML. Raises ValueError, saying what is wrong, also if the text is too large."""
    if len(text) > MAX_BYTES:
        raise ValueError(f"longer than {MAX_BYTES:,} characters")
    bare = _TEXT.sub("s", text)
    if any(len(word[0]) > MAX_WORD for word in _WORD.finditer(bare)):
        raise ValueError(f"a number or key of more than {MAX_WORD:,} characters")
    if bare.count("\n[") > MAX_SECTIONS:
        raise ValueError(f"more than {MAX_SECTIONS:,} sections")
    if _DOTTED.search(bare):
        raise ValueError(f"a key of more than {MAX_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
