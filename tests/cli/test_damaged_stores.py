"""Stores whose inside is damaged: whatever the code, one line and no traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.results import one_line
from tests.stores import NETWORK, edit_attribute, tree


def _no_weights(path: Path) -> None:
    (path / NETWORK).unlink()
    (path / "weights" / "c" / "0").unlink()


SPOILERS: dict[str, Callable[[Path], object]] = {
    "scene": lambda path: edit_attribute(path, lambda own: own.update(scene=5)),
    "weights": _no_weights,
    "level": lambda path: (path / "1" / "zarr.json").unlink(),
    "null level": lambda path: (path / "1" / "zarr.json").write_text("null"),
    "empty shard": lambda path: (path / "1" / "c" / "0" / "0" / "0").write_bytes(b""),
}


@pytest.mark.parametrize("name", SPOILERS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "done.zarr"),
        ("export", "done.zarr", "x.png", "--level", "1"),
        ("export", "done.zarr", "x.dzi"),
    ],
)
def test_a_damaged_store_gives_words_and_no_traceback(
    name: str, arguments: tuple[str, ...], workspace: Path, cli: Cli
) -> None:
    SPOILERS[name](workspace / "done.zarr")
    before = tree(workspace)
    result = cli(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2)
    if arguments[0] == "verify" and result.exit_code == 1 and not result.stderr:
        what = "1/zarr.json: missing" if "level" in name else "unfinished: 1 of 2 shards"
        assert what in result.stdout
    else:
        assert "done.zarr" in one_line(result.stderr)
    assert tree(workspace) == before
