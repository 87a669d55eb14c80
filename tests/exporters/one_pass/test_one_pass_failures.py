"""A pyramid in the same pass as the render: what is refused before, and what fails."""

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from tests.conftest import Run as Command
from tests.exporters.one_pass.passes import SCENE, one_pass
from tests.stores import tree
from tilecppn.errors import ExportError, RenderError, TilecppnError
from tilecppn.exporters.one_pass import render_and_export
from tilecppn.exporters.pyramids import dzi
from tilecppn.exporters.tiles import TileFolder
from tilecppn.idle_threads import Share
from tilecppn.plan import Plan, Shard, Window
from tilecppn.run.options import RunOptions
from tilecppn.run.render import render
from tilecppn.storage import store as store_module
from tilecppn.storage.names import lock_file
from tilecppn.storage.store import Store


@pytest.mark.parametrize("name", ["a.dzi", "a.html", "a_files/mine.txt"])
def test_somebody_elses_files_are_refused_before_any_work(name: str, one: Path) -> None:
    foreign = one / name
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text("mine")
    before = tree(one)
    with pytest.raises(ExportError, match="was not made by tilecppn"):
        one_pass(SCENE, one)
    assert tree(one) == before


@pytest.mark.parametrize(
    ("store", "dest"),
    [
        ("a_files", "a.dzi"),
        ("a_files/b.zarr", "a.dzi"),
        ("b/../a_files", "a.dzi"),
        ("a.zarr", "a.zarr/b.dzi"),
        ("a.html", "a.dzi"),
        ("a.dzi", "a.dzi"),
        ("a.png", "a.png"),
        ("a.zarr", "a.zarr/b.png"),
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_store_and_export_may_not_lie_in_one_another(
    store: str, dest: str, there: bool, one: Path
) -> None:
    (one / "b").mkdir()
    if there and store not in ("a.html", "a.dzi", "a.png"):
        render(SCENE, one / store, executor="local")
    before = tree(one)
    with pytest.raises(ExportError):
        render_and_export(SCENE, one / store, one / dest, RunOptions("local"))
    assert tree(one) == before


def test_an_unknown_kind_of_export_is_refused_before_any_work(
    tmp_path: Path, tilecppn: Command
) -> None:
    (tmp_path / "a.toml").write_text("")
    done = tilecppn("render", "a.toml", "-o", "a.zarr", "--export", "a.psd")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "a.zarr").exists()


def full_disk(after: int) -> Callable[..., None]:
    write, count = TileFolder.write, [0]

    def writing(self: TileFolder, level: int, tiles: Iterable[tuple[Window, NDArray[Any]]]) -> None:
        def counted() -> Iterator[tuple[Window, NDArray[Any]]]:
            for tile in tiles:
                count[0] += 1
                if count[0] > after:
                    path = Path(self.path, "0_0.png")
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
                yield tile

        write(self, level, counted())

    return writing


# 121 tiles lie in shards; the others are tiled at the end.
@pytest.mark.parametrize("after", [0, 30, 122])
def test_a_full_disk_is_one_clear_line_and_leaves_the_store(
    after: int,
    one: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: dict[str, bytes | str | None],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(TileFolder, "write", full_disk(after))
        with pytest.raises(RenderError, match="No space left on device") as caught:
            one_pass(SCENE, one)
    assert "\n" not in str(caught.value)
    assert [p.name for p in one.iterdir()] == ["a.zarr"]
    assert one_pass(SCENE, one) == undisturbed


def test_what_the_store_cannot_write_is_not_blamed_on_the_export(one: Path) -> None:
    render(SCENE, one / "a.zarr", executor="local")
    Store(one / "a.zarr").delete(Shard(0, 0, 0))
    lock = lock_file(one / "a.zarr")
    lock.unlink()
    lock.symlink_to(".lock")
    with pytest.raises((OSError, TilecppnError), match=r"\.lock") as caught:
        one_pass(SCENE, one)
    assert "a.dzi" not in str(caught.value)
    assert [p.name for p in one.iterdir()] == ["a.zarr"]


def test_a_page_that_cannot_be_written_is_one_clear_line(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(one / "a.html"))

    monkeypatch.setattr(dzi, "write_page", full)
    with pytest.raises(RenderError, match=r"a\.dzi: cannot be written: No space .*a\.html\)$"):
        one_pass(SCENE, one)


def test_a_shard_is_not_stored_when_one_of_its_tiles_cannot_be_written(
    one: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[Shard] = []
    put = store_module.Store.write

    def writing(self: Store, shard: Shard, pixels: NDArray[Any], share: Share) -> int:
        stored.append(shard)
        return put(self, shard, pixels, share)

    monkeypatch.setattr(Store, "write", writing)
    monkeypatch.setattr(TileFolder, "write", full_disk(after=17))  # a shard has 16
    with pytest.raises(RenderError):
        one_pass(SCENE, one, workers=1)
    assert stored == [next(iter(Plan.of(SCENE.canvas, SCENE.output, 3).order()))]
