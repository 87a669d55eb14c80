"""docs/check_site.py: dead links and what would be loaded from elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "check_site.py"


def check(site: Path, page: str) -> subprocess.CompletedProcess[str]:
    (site / "index.html").write_text(page, encoding="utf-8")
    command = [sys.executable, str(SCRIPT), str(site)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_good_site_passes(tmp_path: Path) -> None:
    page = '<h1 id="top">A</h1><a href="index.html#top">up</a><a href="https://zarr.dev">Zarr</a>'
    assert check(tmp_path, page).returncode == 0


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="gone.html">a</a>', "no such file"),
        ('<a href="#gone">a</a>', "no such heading"),
        ('<img src="gone.png">', "no such file"),
        ('<script src="https://cdn.example/a.js"></script>', "another host"),
        ('<link rel="stylesheet" href="https://fonts.example/a.css">', "another host"),
    ],
)
def test_a_fault_is_found(tmp_path: Path, page: str, fault: str) -> None:
    done = check(tmp_path, page)
    assert done.returncode == 1
    assert fault in done.stderr
