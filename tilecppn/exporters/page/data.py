"""Read back the data that a page holds for its script."""

import json
import re
from pathlib import Path
from typing import Any, Final

from tilecppn.filesystem import read_bounded

MAX_PAGE: Final = 16 << 20  # bytes
_DATA: Final = re.compile(r'<script id="data" type="application/json">(.*?)</script>', re.DOTALL)


def page_data(path: Path) -> dict[str, Any]:
    """Return the data that `page` wrote into a page; {} for any other file."""
    try:
        found = _DATA.search(read_bounded(path, MAX_PAGE).decode())
        data = json.loads(found[1]) if found else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
