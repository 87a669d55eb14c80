"""Parses sizes on paper: lengths like "3mm", and sheets like "60x40in" or "A0 landscape"."""

import re

INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}
DPI = 300.0  # what printers ask for
LARGEST = {"A": (841, 1189), "B": (1000, 1414)}  # mm, of A0 and B0 (ISO 216)

_NUMBER = r"(\d{1,12}(?:\.\d*)?|\.\d+)"  # not beyond what a float can hold in pixels
_LENGTH = re.compile(rf"{_NUMBER}\s*(in|cm|mm|px)", re.IGNORECASE)
_SHEET = re.compile(rf"{_NUMBER}\s*(in|cm|mm)?\s*[x×]\s*{_NUMBER}\s*(in|cm|mm)", re.IGNORECASE)
_SERIES = re.compile(r"([AB])(\d|10)(?:\s+(portrait|landscape))?", re.IGNORECASE)


def length(text: str, dpi: float) -> float:
    """Convert a length like "3mm" to pixels. Raises ValueError for any other string."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    value, unit = float(found[1]), found[2].lower()
    return value if unit == "px" else value * INCHES[unit] * dpi


def sheet(text: str) -> tuple[float, float]:
    """Return the width and height of a sheet in inches. Raises ValueError for any other string.

    Sheets of the A and B series are portrait unless marked as landscape.
    """
    if series := _SERIES.fullmatch(text.strip()):
        short, long = LARGEST[series[1].upper()]
        for _ in range(int(series[2])):
            short, long = long // 2, short
        sides = (long, short) if (series[3] or "").lower() == "landscape" else (short, long)
        return sides[0] * INCHES["mm"], sides[1] * INCHES["mm"]
    found = _SHEET.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    unit = found[4].lower()
    width = float(found[1]) * INCHES[(found[2] or unit).lower()]
    height = float(found[3]) * INCHES[unit]
    if not width * height > 0.0:
        raise ValueError(text)
    return width, height
