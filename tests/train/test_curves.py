"""The recorded losses."""

from pathlib import Path

import pytest

from tests.train.runs import csv_rows
from tilecppn.train.curves import Curves, Losses, Point, plot


def test_curves_forget_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    curves = Curves(tmp_path, 0)
    for i in range(1, 5):
        curves.add(Point(i, 0, 26, float(i), Losses(0.5, None, 0.25, 4, 1, 0)))
    Curves(tmp_path, 2)
    rows = csv_rows(tmp_path)
    assert [row["batch"] for row in rows] == ["1", "2"]
    assert (rows[0]["vae"], rows[0]["g"], rows[0]["d"]) == ("0.5", "", "0.25")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="of Linux")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    curves = Curves(tmp_path, 0)
    curves.path.unlink()
    curves.path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space") as caught:
        curves.add(Point(1, 0, 26, 1.0, Losses(0.5, None, 0.25, 4, 1, 0)))
    assert caught.value.filename == str(curves.path)


LINE = "3,0,26,3.000,0.5,,0.25,4,1,0\n"


@pytest.mark.parametrize(
    "end", [*range(0, len(LINE), 4), len(LINE) - 1, len(LINE), "\0\0\0\n", "\N{SNOWMAN},1\n"]
)
def test_a_damaged_last_line_of_the_losses_does_not_block_resuming(
    tmp_path: Path, end: int | str
) -> None:
    """As a power cut leaves it: cut off anywhere, or zeros that were never written."""
    curves = Curves(tmp_path, 0)
    for i in (1, 2):
        curves.add(Point(i, 0, 26, float(i), Losses(0.5, None, 0.25, 4, 1, 0)))
    with (tmp_path / "losses.csv").open("a", encoding="utf-8") as file:
        file.write(LINE[:end] if isinstance(end, int) else end)
    Curves(tmp_path, 100)
    whole = end == len(LINE)
    assert [row["batch"] for row in csv_rows(tmp_path)] == ["1", "2", "3"][: 2 + whole]
    assert plot(tmp_path) == tmp_path / "losses.png"
