"""Exports are checked file by file, and mended from their store to the byte."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores import noise_store, tree
from tilecppn import export
from tilecppn.errors import ExportError, Interrupted
from tilecppn.exporters.export import EXPORTERS
from tilecppn.exporters.output import folder_checksums, provenance
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import find_export_damage, outputs_of
from tilecppn.storage.places import storage_of

FOLDERS = ["iiif", "xyz", "zoomify"]
FILES = [f"a{suffix}" for suffix in EXPORTERS if suffix != ".dzi"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store and all its exports; read only."""
    folder = tmp_path_factory.mktemp("exports")
    store = noise_store(folder / "a.zarr", 201, 131)
    for name in ["a.dzi", *FILES]:
        export(store.path, folder / name, overlap=1 if name == "a.dzi" else 0)
    for name in FOLDERS:
        url = "https://a.example/b" if name == "iiif" else None
        export(store.path, folder / name, layout=name, format="jpg", url=url)
    return folder


@pytest.fixture
def work(made: Path, tmp_path: Path) -> Path:
    """A copy of `made` to spoil."""
    return shutil.copytree(made, tmp_path / "work")


def files_of(path: Path) -> list[Path]:
    found: list[Path] = []
    for output in outputs_of(path):
        found += (
            sorted(f for f in output.rglob("*") if f.is_file()) if output.is_dir() else [output]
        )
    return found


def flip(file: Path, chance: random.Random) -> None:
    data = bytearray(file.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


SPOILERS: dict[str, Callable[[Path, random.Random], None]] = {
    "damaged": flip,
    "missing": lambda file, chance: file.unlink(),
}


@pytest.mark.parametrize("name", ["a.dzi", *FOLDERS])
@pytest.mark.parametrize("what", SPOILERS)
def test_any_file_of_a_pyramid_is_named_and_mended_to_the_byte(
    name: str, what: str, work: Path
) -> None:
    before = tree(work)
    chance = random.Random(name)
    assert not find_export_damage(work / name)
    files = files_of(work / name)
    first = [f for f in files if f.name.startswith("tilecppn.") or f.parent == work]
    for file in [*first, *chance.sample(files, 4)]:
        SPOILERS[what](file, chance)
        damage = find_export_damage(work / name)
        assert damage == {file: what}
        repair_export(work / name, damage, work / "a.zarr", Threads())
        assert tree(work) == before, file


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_of_a_single_file_is_named(name: str, work: Path) -> None:
    file, chance = work / name, random.Random(name)
    right = file.read_bytes()
    mended = 0
    for _ in range(25):
        flip(file, chance)
        damage = find_export_damage(file)
        assert damage == {file: "damaged"}
        try:
            repair_export(file, damage, work / "a.zarr", Threads())
            mended += 1
        except ExportError:  # its own record is damaged
            file.write_bytes(right)
        assert file.read_bytes() == right
    assert mended > 12


def test_a_flip_in_a_large_file_is_found_wherever_it_is(work: Path) -> None:
    """The digest that --overwrite reads looks at parts of it alone."""
    store = noise_store(work / "b.zarr", 3000, 2000, tile=512, shard=512)
    (file,) = export(store.path, work / "b.tif")
    assert file.stat().st_size > 1.05 * folder_checksums.PIECE * 16
    chance = random.Random(1)
    right = file.read_bytes()
    for _ in range(5):
        flip(file, chance)
        assert find_export_damage(file) == {file: "damaged"}
        file.write_bytes(right)


def test_a_file_of_somebody_else_is_named_and_stays(work: Path) -> None:
    (work / "xyz" / "notes.txt").write_text("mine")
    damage = find_export_damage(work / "xyz")
    assert damage == {work / "xyz" / "notes.txt": "not part of the export"}
    repair_export(work / "xyz", damage, work / "a.zarr", Threads())
    assert (work / "xyz" / "notes.txt").read_text() == "mine"


def test_another_store_is_refused(work: Path) -> None:
    other = noise_store(work / "b.zarr", 70, 50)
    tile = next(file for file in files_of(work / "a.dzi") if file.suffix == ".png")
    tile.unlink()
    before = tree(work)
    damage = find_export_damage(work / "a.dzi")
    with pytest.raises(ExportError, match="holds another picture"):
        repair_export(work / "a.dzi", damage, other.path, Threads())
    assert tree(work) == before


def test_a_page_with_a_title_of_its_own_is_not_made_without_it(work: Path) -> None:
    """Nor with the scene that was withheld: only the command that made it knows what it said."""
    store = work / "a.zarr"
    export(store, work / "t.dzi", title="Mine", show_scene=False)
    page, tile = work / "t.html", next((work / "t_files").glob("*/*.png"))
    before = tile.read_bytes()
    tile.write_bytes(b"junk")
    repair_export(work / "t.dzi", find_export_damage(work / "t.dzi"), store, Threads(1))
    assert tile.read_bytes() == before
    for file in (page, work / "t_files" / provenance.MANIFEST):
        right = file.read_bytes()
        file.write_bytes(b"junk")
        with pytest.raises(ExportError, match="export it again"):
            repair_export(work / "t.dzi", find_export_damage(work / "t.dzi"), store, Threads(1))
        assert file.read_bytes() == b"junk"
        file.write_bytes(right)


def test_nothing_is_written_through_a_link(work: Path, tmp_path: Path) -> None:
    shutil.move(work / "xyz" / "0", tmp_path / "outside")
    (work / "xyz" / "0").symlink_to(tmp_path / "outside")
    for file in (tmp_path / "outside").rglob("*.jpg"):
        file.write_bytes(b"damaged")
    before = tree(tmp_path)
    damage = find_export_damage(work / "xyz")
    assert damage
    with pytest.raises(ExportError, match="symbolic link"):
        repair_export(work / "xyz", damage, work / "a.zarr", Threads())
    assert tree(tmp_path) == before


def test_a_list_that_names_files_elsewhere_does_not_read_them(work: Path) -> None:
    (work / "secret").write_text("mine")
    with (work / "xyz" / folder_checksums.LIST).open("a") as file:
        file.write("00000000  ../secret\n00000000  /etc/passwd\n")
    assert not any("secret" in str(f) or "etc" in f.parts for f in find_export_damage(work / "xyz"))


def test_a_manifest_without_the_list_s_checksum_is_damaged(work: Path) -> None:
    folder = work / "xyz"
    record = json.loads((folder / provenance.MANIFEST).read_text())
    del record["crc32c"]
    record["digest"] = provenance._folder_digest(storage_of(folder).sizes(), record)
    (folder / provenance.MANIFEST).write_text(json.dumps(record))
    assert find_export_damage(folder) == {folder / provenance.MANIFEST: "damaged"}


def test_a_wrong_checksum_of_the_list_is_the_manifests_fault(work: Path) -> None:
    before, file = tree(work), work / "xyz" / provenance.MANIFEST
    listed = str(provenance.listed_checksum(work / "xyz"))
    file.write_text(file.read_text().replace(listed, "12345678"))
    damage = find_export_damage(work / "xyz")
    assert damage == {file: "damaged"}
    repair_export(work / "xyz", damage, work / "a.zarr", Threads())
    assert tree(work) == before


@pytest.mark.parametrize("name", ["overlap", "tile"])
def test_a_damaged_name_of_an_option_is_told(name: str, work: Path) -> None:
    file = work / "a.png"
    damaged = f" {name[:-1]}q=".encode()
    file.write_bytes(file.read_bytes().replace(f" {name}=".encode(), damaged))
    with pytest.raises(ExportError, match="is damaged, too; export it again"):
        repair_export(file, find_export_damage(file), work / "a.zarr", Threads())


def test_a_check_can_be_stopped(work: Path) -> None:
    with pytest.raises(Interrupted):
        find_export_damage(work / "xyz", stopping=lambda: True)
