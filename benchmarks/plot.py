"""Draws the tables as bar charts in an SVG file."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.measuring import Table

WIDTH, LEFT, ROW = 900, 340, 22  # pixels
COLOURS = ("#1b4965", "#5fa8d3", "#cae9ff", "#f2a65a", "#d1495b")


def write(path: Path, tables: Sequence[Table], details: Mapping[str, Any]) -> None:
    """Draw each table's rates on a logarithmic scale, then the shares of CPU time."""
    parts: list[str] = []
    top = ROW
    for table in tables:
        parts.append(_text(10, top, f"{table.title}, Mpixel/s", bold=True))
        longest = max(table.rates.values())
        decades = math.log10(longest / min(table.rates.values())) + 1
        for way, rate in table.rates.items():
            top += ROW
            length = (WIDTH - LEFT - 80) * (1 - math.log10(longest / rate) / decades)
            parts += [
                _text(LEFT - 8, top, way, anchor="end"),
                _bar(LEFT, top, length, COLOURS[way == table.rival]),
                _text(LEFT + length + 6, top, f"{rate:.3g}"),
            ]
        top += 2 * ROW
    for side, ways in details.items():
        for way, measured in ways.items() if isinstance(ways, dict) else ():
            if isinstance(measured, dict) and "shares" in measured:
                parts.append(_text(10, top, f"{side}²: CPU time, {way}", bold=True))
                parts += _shares(top + ROW, measured["shares"])
                top += 4 * ROW
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}"'
    style = 'font-family="sans-serif" font-size="13"'
    body = "\n".join(parts)
    path.write_text(
        f'{head} {style}>\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


def _shares(top: float, shares: Mapping[str, float]) -> list[str]:
    parts: list[str] = []
    left = 10.0
    for colour, share in zip(COLOURS, shares.values(), strict=True):
        length = (WIDTH - 20) * share
        parts.append(_bar(left, top, length, colour))
        left += length
    for i, (stage, share) in enumerate(shares.items()):
        place = 10 + i * (WIDTH - 20) / len(shares)
        parts.append(_bar(place, top + ROW, 12, COLOURS[i]))
        parts.append(_text(place + 18, top + ROW, f"{stage} {100 * share:.0f} %"))
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _bar(x: float, y: float, width: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y - 12:.0f}" width="{width:.1f}" height="14" fill="{colour}"/>'
