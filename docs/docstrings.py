"""Docstrings as reStructuredText: they are plain text with `code` in backticks, and stay so.

A paragraph whose lines begin with `name: …` becomes a list; an indented paragraph keeps its lines.
"""

import re
from collections.abc import Sequence

_PARAMETER = re.compile(r"^(\w+(?:, \w+)*): +(?=\S)")
_CODE = re.compile(r"(`+[^`]+`+)")


def to_rst(lines: Sequence[str]) -> list[str]:
    """Convert a docstring's lines."""
    made: list[str] = []
    for paragraph in "\n".join(lines).strip().split("\n\n"):
        rows = paragraph.splitlines()
        if all(row.startswith(" ") for row in rows if row):
            made += ["::", "", *rows, ""]
            continue
        item = False
        for row in rows:
            if match := _PARAMETER.match(row):
                made += ["", f"- **{match[1]}**: {_escaped(row[match.end() :])}"]
                item = True
            else:
                made.append(("  " if item else "") + _escaped(row.strip()))
        made.append("")
    return made


def _escaped(text: str) -> str:
    """Escape what reStructuredText would take for markup outside of code."""
    parts = _CODE.split(text)
    parts[::2] = [re.sub(r"([\\*_|`:])", r"\\\1", part) for part in parts[::2]]
    parts[1::2] = [f"``{part.strip('`')}``" for part in parts[1::2]]
    return "".join(parts)
