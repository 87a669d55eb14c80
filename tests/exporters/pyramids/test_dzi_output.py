"""What a Deep Zoom export replaces, refuses, and leaves when it fails."""

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run
from tests.exporters.pyramids.deep_zoom import (
    Pixels,
    assembled,
    assert_equals_store,
    read_pyramid,
)
from tests.signalled import signalled
from tests.stores import level_pixels, noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError, Interrupted, RenderError
from tilecppn.exporters.encoding import png
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.dzi import export_dzi
from tilecppn.exporters.source import Source
from tilecppn.plan import Shard
from tilecppn.storage.store import Store


def test_exporting_again_replaces_our_own(tmp_path: Path) -> None:
    large = noise_store(tmp_path / "large.zarr", 300, 201)
    small = noise_store(tmp_path / "small.zarr", 65, 64, channels=1)
    out = tmp_path / "out"
    export(large.path, out / "a.dzi", format="jpg")
    export(small.path, out / "a.dzi", overlap=1, overwrite=True)
    assert_equals_store(out / "a.dzi", small)
    fresh = tmp_path / "fresh"
    export(small.path, fresh / "a.dzi", overlap=1)
    assert tree(out) == tree(fresh)


@pytest.mark.parametrize("gone", [{"a_files"}, {"a.dzi"}, {"a.html"}, {"a_files", "a.html"}])
def test_what_is_left_of_an_export_of_ours_is_replaced(gone: set[str], tmp_path: Path) -> None:
    store = noise_store(tmp_path / "in.zarr", 130, 67)
    out = tmp_path / "out"
    export(store.path, out / "a.dzi", format="avif", overlap=2)
    for name in gone:
        if (out / name).is_dir():
            shutil.rmtree(out / name)
        else:
            (out / name).unlink()
    export(store.path, out / "a.dzi", overwrite=True)
    fresh = tmp_path / "fresh"
    export(store.path, fresh / "a.dzi")
    assert tree(out) == tree(fresh)


def test_a_death_while_an_export_takes_the_place_of_another_costs_neither(
    tmp_path: Path, tilecppn: Run
) -> None:
    """Between the two renames of the folder of tiles."""
    noise_store(tmp_path / "in.zarr", 130, 67)
    command = ("export", "in.zarr", "out/a.dzi")
    assert tilecppn(*command).returncode == 0
    earlier = tree(tmp_path / "out")
    dying = signalled("tilecppn.exporters.output.disk.os.rename", 2, signal.SIGKILL, *command)
    killed = subprocess.run([*dying, "--format", "jpg", "--overwrite"], cwd=tmp_path, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "a_files").exists()
    again = tilecppn(*command, "--overwrite")
    assert again.returncode == 0, again.stderr
    assert tree(tmp_path / "out") == earlier


KINDS: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_bytes(b"mine"),
    "folder": lambda path: (path / "photo.png").mkdir(parents=True),
    "empty folder": Path.mkdir,
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "link to a file": lambda path: path.symlink_to("../in.zarr/zarr.json"),
    "link to a folder": lambda path: path.symlink_to("../in.zarr"),
}


@pytest.mark.parametrize("name", ["a_files", "a.dzi", "a.html"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_others_made_is_refused_and_stays(
    kind: str, name: str, finished: Store, out: Path, tmp_path: Path
) -> None:
    KINDS[kind](out / name)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match=name):
        export(finished.path, out / "a.dzi")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["a_files", "a.dzi", "a.html"])
def test_a_link_to_an_export_of_ours_is_refused_and_not_followed(
    name: str, finished: Store, out: Path, tmp_path: Path
) -> None:
    export(finished.path, out / "a.dzi")
    shutil.move(out / name, tmp_path / name)
    (out / name).symlink_to(tmp_path / name)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="symbolic link"):
        export(finished.path, out / "a.dzi", overwrite=True)
    assert tree(tmp_path) == before


def test_a_foreign_file_is_refused_also_beside_an_export_of_ours(
    finished: Store, out: Path
) -> None:
    """Another export's folder does not make this name's files ours."""
    export(finished.path, out / "a.dzi")
    (out / "b.dzi").write_text("mine")
    before = tree(out)
    with pytest.raises(ExportError, match=r"b\.dzi"):
        export(finished.path, out / "b.dzi")
    assert tree(out) == before


# Unfinished stores


def test_an_unfinished_store_is_refused_unless_asked(finished: Store, out: Path) -> None:
    finished.delete(Shard(0, 0, 1))
    with pytest.raises(ExportError, match="not finished"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}
    export(finished.path, out / "a.dzi", partial=True)
    pyramid = read_pyramid(out / "a.dzi")
    pixels = assembled(pyramid, pyramid.top)
    assert not pixels[:, 128:].any()
    np.testing.assert_array_equal(
        pixels, np.moveaxis(finished.read(0, finished.plan.levels[0].window, partial=True), 0, -1)
    )
    np.testing.assert_array_equal(assembled(pyramid, pyramid.top - 1), level_pixels(finished, 1))


def test_an_empty_store_exports_black_if_asked(finished: Store, out: Path) -> None:
    for shard in finished.plan.order():
        finished.delete(shard)
    export(finished.path, out / "a.dzi", partial=True)
    pyramid = read_pyramid(out / "a.dzi")
    for level in pyramid.tiles:
        assert not assembled(pyramid, level).any()


def test_a_damaged_store_fails_and_leaves_nothing(finished: Store, out: Path) -> None:
    path = finished.path / "0" / "c" / "0" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(RenderError, match="damaged"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}


# Failing and stopping on the way

Encode = Callable[..., bytes]


def failing_after(count: int, error: Exception) -> Encode:
    """An encoder of PNG that raises at its call number `count`."""
    good = png.encode_png
    calls = iter(range(count))

    def encode(pixels: Pixels, **options: Any) -> bytes:
        if next(calls, None) is None:
            raise error
        return good(pixels, **options)

    return encode


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("count", [0, 5])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_failure_leaves_nothing_behind_and_an_earlier_export_whole(
    finished: Store,
    out: Path,
    workers: int,
    count: int,
    earlier: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if earlier:
        export(finished.path, out / "a.dzi", overlap=1)
    before = tree(out)
    bad = failing_after(count, RuntimeError("broken"))
    monkeypatch.setattr("tilecppn.exporters.encoding.encoders.encode_png", bad)
    with pytest.raises(RuntimeError, match="broken"):
        export(finished.path, out / "a.dzi", workers=workers, overwrite=True)
    assert tree(out) == before


def test_a_full_disk_is_a_failure_that_names_the_export(
    finished: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("tilecppn.exporters.encoding.encoders.encode_png", failing_after(3, full))
    with pytest.raises(RenderError, match=r"a\.dzi.*No space left"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}


def test_a_missing_viewer_is_found_before_any_work(
    finished: Store, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []
    good = png.encode_png

    def encode(pixels: Pixels, **options: Any) -> bytes:
        encoded.append(pixels.shape)
        return good(pixels, **options)

    def missing() -> tuple[Path, ...]:
        raise ExportError("the viewer is not installed")

    monkeypatch.setattr("tilecppn.exporters.encoding.encoders.encode_png", encode)
    monkeypatch.setattr("tilecppn.exporters.export.assets", missing)
    with pytest.raises(ExportError, match="viewer"):
        export(finished.path, out / "a.dzi")
    assert tree(out) == {}
    assert encoded == []


@pytest.mark.parametrize("looks", [0, 1, 4])
@pytest.mark.parametrize("earlier", [False, True])
def test_stopping_leaves_nothing_behind_and_an_earlier_export_whole(
    finished: Store, out: Path, looks: int, earlier: bool
) -> None:
    if earlier:
        export(finished.path, out / "a.dzi", overlap=1)
    before = tree(out)
    calm = iter(range(looks))
    options = ExportOptions(tile=64, format="png")
    threads = Threads(2, stopping=lambda: next(calm, None) is None)
    with pytest.raises(Interrupted):
        export_dzi(Source(finished), out / "a.dzi", options, threads)
    assert tree(out) == before


def test_a_keyboard_interrupt_leaves_nothing_of_an_export(finished: Store, out: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="nothing is left"):
        export(finished.path, out / "a.dzi", workers=1, progress=interrupt)
    assert tree(out) == {}
