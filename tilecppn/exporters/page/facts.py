"""The facts that a page shows about its picture: credits and size."""

from tilecppn.scene.sections import About


def credit_facts(about: About) -> dict[str, str]:
    """Return artist, copyright and licence, as far as given, name → value."""
    facts = {"Artist": about.artist, "Copyright": about.copyright, "Licence": about.licence}
    return {name: value for name, value in facts.items() if value}


def size_facts(width: int, height: int, per_inch: float) -> dict[str, str]:
    """Return the size in pixels and on paper, name → value; per_inch: pixels per printed inch."""
    return {
        "Size": f"{format_size(width, height)} px",
        "Pixels": _pixels(width * height),
        f"Print at {per_inch:g} ppi": _print_size(width, height, per_inch),
    }


def format_size(width: int, height: int) -> str:
    """Return a size as "16,384 × 12,288"."""
    return f"{width:,} × {height:,}"


def _pixels(count: int) -> str:
    """Return a number of pixels as "268 megapixels", with three significant digits."""
    for unit, name in ((10**12, "tera"), (10**9, "giga"), (10**6, "mega")):
        if count >= unit:
            value = count / unit
            digits = max(0, 3 - len(str(int(value))))
            return f"{value:,.{digits}f} {name}pixels"
    return f"{count:,} pixels"


def _print_size(width: int, height: int, per_inch: float) -> str:
    """Return the size on paper, in centimetres, or from 10 m on in metres."""
    sides = [2.54 * side / per_inch for side in (width, height)]
    if max(sides) >= 1000:
        return " × ".join(f"{side / 100:,.1f}" for side in sides) + " m"
    return " × ".join(f"{side:.1f}" for side in sides) + " cm"
