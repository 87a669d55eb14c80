"""Only an output that tilecppn made and nobody changed is replaced, and only when asked."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Cli, cli
from tests.stores import noise_store, tree
from tilecppn import export
from tilecppn.errors import AddressError, ExportError, RenderError
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import atomic_output
from tilecppn.exporters.output.provenance import BLOCK, BLOCKS, STILL, Provenance
from tilecppn.storage.store import Store

__all__ = ["cli"]  # a fixture


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return noise_store(tmp_path_factory.mktemp("store") / "a.zarr", 130, 70)


@pytest.mark.parametrize("kind", [*EXPORTERS, *LAYOUTS])
def test_an_export_is_replaced_only_when_asked(kind: str, store: Store, tmp_path: Path) -> None:
    layout = kind if kind in LAYOUTS else None
    suffix = kind if layout is None else {"store": ".html"}.get(kind, "")
    dest = tmp_path / f"a{suffix}"
    export(store.path, dest, layout=layout)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="already exists; add overwrite=True"):
        export(store.path, dest, layout=layout, level=1)
    assert tree(tmp_path) == before
    export(store.path, dest, layout=layout, level=1, overwrite=True)
    assert tree(tmp_path) != before
    export(store.path, dest, layout=layout, overwrite=True)
    assert tree(tmp_path) == before


def _notes(path: Path) -> None:
    path.write_text("my notes on tilecppn 0.1.0 are here\n# tilecppn {}")


def _retouched(path: Path) -> None:
    with Image.open(path) as image:
        exif, pixels = image.getexif(), np.array(image)
    pixels[:9, :9] = 0
    Image.fromarray(pixels).save(path, "JPEG", exif=exif, quality=90)


def _captioned(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"a caption")


def _one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-40] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("suffix", "change"),
    [
        (".tif", _notes),
        (".jpg", _notes),
        (".jpg", _retouched),
        (".png", _captioned),
        (".webp", _one_byte),
        (".tif", _one_byte),
        (".szi", _captioned),
    ],
)
def test_a_file_that_somebody_changed_is_never_replaced(
    suffix: str, change: Callable[[Path], None], store: Store, tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    export(store.path, path)
    change(path)
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="already exists and was"):
        export(store.path, path, overwrite=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("kind", [*EXPORTERS, *LAYOUTS])
def test_what_somebody_else_made_is_never_replaced(kind: str, store: Store, tmp_path: Path) -> None:
    layout = kind if kind in LAYOUTS else None
    dest = tmp_path / f"a{kind if layout is None else {'store': '.html'}.get(kind, '')}"
    dest.write_bytes(b"mine")
    with pytest.raises(ExportError, match="not made by tilecppn"):
        export(store.path, dest, layout=layout, overwrite=True)
    assert tree(tmp_path) == {dest.name: b"mine"}


@pytest.mark.parametrize("changed", ["a.dzi", "a.html", "a_files/0/0_0.png", "a_files/notes.txt"])
def test_a_pyramid_with_a_changed_file_is_never_replaced(
    changed: str, store: Store, tmp_path: Path
) -> None:
    export(store.path, tmp_path / "a.dzi")
    with (tmp_path / changed).open("a") as file:
        file.write("mine")
    before = tree(tmp_path)
    with pytest.raises(ExportError, match="changed"):
        export(store.path, tmp_path / "a.dzi", overwrite=True)
    assert tree(tmp_path) == before


def test_the_digest_of_a_large_file_covers_its_length_and_samples(tmp_path: Path) -> None:
    path, size = tmp_path / "large", 3 * BLOCK * BLOCKS
    with path.open("wb") as file:
        file.write(Provenance(STILL, "[view]", "f").text().encode())
        file.truncate(size)
    provenance.seal(path)

    def intact() -> bool:
        found = provenance.read(path)
        assert found is not None
        return found.intact

    assert intact()
    os.truncate(path, size + 1)
    assert not intact()
    os.truncate(path, size)
    assert intact()
    with path.open("r+b") as changed:
        changed.seek(3 * BLOCK * (BLOCKS // 2))
        changed.write(b"\1")
    assert not intact()


HOLDER = """
import sys
from pathlib import Path
from tilecppn.exporters.output.atomic import claimed
with claimed(Path(sys.argv[1])):
    print("claimed", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["a.png", "a.dzi"])
def test_two_exports_to_one_path_at_once_are_refused(
    name: str, store: Store, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "claimed\n"
        with pytest.raises(ExportError, match="in use by another process"):
            export(store.path, tmp_path / name)
        assert not [p for p in tmp_path.iterdir() if not p.name.endswith(".lock")]
        assert holder.stdin is not None
        holder.stdin.close()
    export(store.path, tmp_path / name)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("folder", [False, True])
def test_what_appears_meanwhile_is_not_replaced(folder: bool, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(RenderError, match="was put there"), atomic_output(path, folder=folder):
        path.write_text("mine")
    assert tree(tmp_path) == {"a": b"mine"}


def test_a_name_of_240_letters_is_no_obstacle(store: Store, tmp_path: Path) -> None:
    export(store.path, tmp_path / ("n" * 240 + ".png"))
    export(store.path, tmp_path / ("d" * 240 + ".dzi"))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("dest", ["ftp://bucket/a.png", "s3://a.dzi", "https://x.org/a.tif"])
def test_an_address_is_refused(
    dest: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in (dest, Path(dest)):
        with pytest.raises(AddressError, match="give"):
            export(store.path, given)
    assert not list(tmp_path.iterdir())


SCENE = """
[cppn]
width = 8
depth = 2
[canvas]
width = 300
height = 200
[output]
tile = 64
shard = 128
"""


@pytest.mark.parametrize("dest", ["a.dzi", "a.png"])
def test_rendering_and_exporting_again_is_done_already(dest: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SCENE)
    command = ("render", "a.toml", "-o", "a.zarr", "--export", dest, "--workers", 1)
    assert cli(*command).exit_code == 0

    def times() -> dict[Path, int]:
        files = (path for path in tmp_path.rglob("*.*") if path.name != ".lock")
        return {path: path.stat().st_mtime_ns for path in files if path.is_file()}

    before = times()
    again = cli(*command)
    assert again.exit_code == 0, again.stderr
    assert times() == before
    other = cli(*command, "--effort", 9)
    assert other.exit_code == 2
    assert "--overwrite" in other.stderr
    if dest == "a.dzi":  # killed before its page and descriptor
        for name in ("a.dzi", "a.html"):
            (tmp_path / name).unlink()
        assert cli(*command).exit_code == 0
        assert (tmp_path / "a.dzi").exists()
        assert (tmp_path / "a.html").exists()
