"""PMTiles, read by the library of the format's authors."""

import gzip
import io
import tracemalloc
from collections import Counter
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import deserialize_directory, tileid_to_zxy, zxy_to_tileid

from tests.stores import level_pixels, noise_store
from tilecppn import export
from tilecppn.exporters.pyramids import map_tiles, pmtiles_archive
from tilecppn.exporters.pyramids.pmtiles_archive import (
    ENTRY,
    RESERVED,
    Archive,
    Bounds,
    packed_directory,
    tile_number,
    varints,
)
from tilecppn.exporters.source import sizes as levels
from tilecppn.exporters.verify import find_export_damage
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

WORLD = Bounds(-180.0, -85.0, 180.0, 85.0, 20)


def sound(data: bytes) -> dict[str, Any]:
    """The header of an archive, after the checks that the format's verifier makes."""

    def get(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    header: dict[str, Any] = dict(Reader(get).header())
    sections = ("metadata", "leaf_directory", "tile_data")
    assert len(data) == RESERVED + sum(header[f"{name}_length"] for name in sections)
    assert header["root_offset"] == 127
    assert header["root_offset"] + header["root_length"] <= RESERVED
    entries: list[Any] = []

    def walk(offset: int, length: int) -> None:
        for entry in deserialize_directory(get(offset, length)):
            if entry.run_length:
                entries.append(entry)
            else:
                walk(header["leaf_directory_offset"] + entry.offset, entry.length)

    walk(header["root_offset"], header["root_length"])
    end = next_tile = 0
    for entry in entries:
        assert entry.tile_id >= next_tile
        next_tile = entry.tile_id + entry.run_length
        assert entry.offset <= end  # clustered
        end = max(end, entry.offset + entry.length)
    assert end == header["tile_data_length"]
    assert header["tile_entries_count"] == len(entries)
    assert header["addressed_tiles_count"] == sum(e.run_length for e in entries)
    assert header["tile_contents_count"] == len({e.offset for e in entries})
    assert tileid_to_zxy(entries[0].tile_id)[0] == header["min_zoom"]
    assert tileid_to_zxy(next_tile - 1)[0] == header["max_zoom"]
    assert header["clustered"]
    return header


@pytest.mark.parametrize("format", ["png", "jpg", "webp", "avif"])
@pytest.mark.parametrize("size", [(300, 200), (1, 700), (64, 64)])
def test_every_tile_is_that_of_xyz(size: tuple[int, int], format: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", *size)
    export(store.path, tmp_path / "a.pmtiles", tile=64, format=format)
    export(store.path, tmp_path / "xyz", layout="xyz", tile=64, format=format)
    header = sound((tmp_path / "a.pmtiles").read_bytes())
    assert header["tile_type"].name.lower() == {"jpg": "jpeg"}.get(format, format)
    found = {}
    with (tmp_path / "a.pmtiles").open("rb") as file:
        for (z, x, y), data in all_tiles(MmapSource(file)):
            found[f"{z}/{x}/{y}.{format}"] = data
    expected = {
        path.relative_to(tmp_path / "xyz").as_posix(): path.read_bytes()
        for path in (tmp_path / "xyz").glob(f"*/*/*.{format}")
    }
    assert found == expected


def test_the_picture_the_scene_and_the_checksum(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 300, 200)
    path = tmp_path / "a.pmtiles"
    assert export(store.path, path, tile=64, title="Storms") == [path]
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        metadata = reader.metadata()
        data = reader.get(3, 1, 2)
    assert (metadata["name"], metadata["format"], metadata["width"]) == ("Storms", "png", 300)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), level_pixels(store, 0)[128:192, 64:128])
    assert Scene.load(path).cppn == store.scene.cppn
    assert find_export_damage(path) == {}


@given(st.integers(0, 31), st.data())
def test_numbers_are_those_of_the_format(zoom: int, data: st.DataObject) -> None:
    x, y = (data.draw(st.integers(0, 2**zoom - 1)) for _ in range(2))
    assert tile_number(zoom, np.array(x), np.array(y)) == zxy_to_tileid(zoom, x, y)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_varints(values: list[int]) -> None:
    expected = bytearray()
    for value in values:
        while value > 127:
            expected.append(value & 127 | 128)
            value >>= 7
        expected.append(value)
    assert varints(np.array(values, np.uint64)) == bytes(expected)


def test_a_directory_is_what_the_library_reads() -> None:
    random = np.random.default_rng(0)
    entries = np.zeros(5000, ENTRY)
    entries["tile"] = np.cumsum(random.integers(1, 1000, 5000))
    entries["length"] = random.integers(1, 100_000, 5000)
    entries["offset"] = np.cumsum(entries["length"]) - entries["length"]
    entries["offset"][::7] = 0
    entries["run"] = random.integers(1, 3, 5000)
    found = deserialize_directory(packed_directory(entries))
    assert [(e.tile_id, e.offset, e.length, e.run_length) for e in found] == entries.tolist()


def store_of_equal_tiles(path: Path, side: int) -> Store:
    """Nearly all are."""
    scene = Scene.of(
        cppn={"width": 1, "depth": 1},
        view={"scale": 1e-9},
        canvas={"width": side, "height": side},
        output={"tile": 64, "shard": 1024},
    )
    return render(scene, path, executor="local", workers=1)


def test_equal_tiles_are_kept_once(tmp_path: Path) -> None:
    store = store_of_equal_tiles(tmp_path / "a.zarr", 2000)
    export(store.path, tmp_path / "a.pmtiles", tile=64)
    header = sound((tmp_path / "a.pmtiles").read_bytes())
    assert header["addressed_tiles_count"] > 1300
    assert header["tile_contents_count"] < 20
    assert header["tile_entries_count"] < 200


def archive(tiles: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive of so many tiles, no two alike beside each other."""
    monkeypatch.setattr(pmtiles_archive, "REMEMBERED", 100)
    with (folder / "a").open("w+b") as file, (folder / "b").open("w+b") as waiting:
        made = Archive(file, waiting)
        for number in range(tiles):
            made.add(number, b"%d" % number)
        made.finish({}, "png", WORLD, b"record")
    return (folder / "a").read_bytes()


@pytest.mark.parametrize("tiles", [1, 5, 4097, 70_000])
def test_any_number_of_tiles(tiles: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive(tiles, tmp_path, monkeypatch)
    requests: Counter[int] = Counter()

    def get(offset: int, length: int) -> bytes:
        requests[max(0, offset - RESERVED + 1)] += 1  # all of the first 16 KiB are one
        return data[offset : offset + length]

    reader = Reader(get)
    for number in {0, tiles // 3, tiles - 1}:
        requests.clear()
        assert reader.get(*tileid_to_zxy(number)) == b"%d" % number
        assert len(requests) <= (2 if number < 256 else 3)
    assert reader.get(20, 0, 0) is None
    assert b"record" in data[:RESERVED]


def test_squares_come_in_the_order_of_tiles_however_many_are_sorted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = noise_store(tmp_path / "a.zarr", 700, 300)
    monkeypatch.setattr(map_tiles, "SQUARE", 64)
    files = []
    for block in (0, 1, 8):
        monkeypatch.setattr(map_tiles, "BLOCK", block)
        export(store.path, tmp_path / "a.pmtiles", tile=16, overwrite=True)
        files.append((tmp_path / "a.pmtiles").read_bytes())
    assert sound(files[0])["addressed_tiles_count"] > 44 * 19
    assert files[0] == files[1] == files[2]


def test_the_root_has_as_many_leaves_as_it_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pmtiles_archive, "LEAVES", 10**6)
    monkeypatch.setattr(pmtiles_archive, "LEAF", 4)
    lengths = np.random.default_rng(0).integers(1, 30, 70_000).tolist()
    with (tmp_path / "a").open("w+b") as file, (tmp_path / "b").open("w+b") as waiting:
        made = Archive(file, waiting)
        for number, length in enumerate(lengths):
            made.add(number, b"%d" % number * length)
        made.finish({}, "png", WORLD._replace(zooms=9), b"record" * 2000)
    data = (tmp_path / "a").read_bytes()
    header = sound(data)
    root = deserialize_directory(data[127 : 127 + header["root_length"]])
    assert 256 + 1000 < len(root) < 70_000 // 4  # its leaves are larger than at first
    reader = Reader(lambda offset, length: data[offset : offset + length])
    for number in (0, 300, 69_999):
        assert reader.get(*tileid_to_zxy(number)) == b"%d" % number * lengths[number]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_tiles(tmp_path: Path) -> None:
    """Entries of three million tiles wait on the disk."""
    peaks = []
    for tiles in (100_000, 3_000_000):
        with (tmp_path / "a").open("w+b") as file, (tmp_path / "b").open("w+b") as waiting:
            tracemalloc.start()
            made = Archive(file, waiting)
            for number in range(tiles):
                made.add(2 * number, b"%d" % (number % 1000))
            made.finish({}, "png", WORLD, b"")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + (8 << 20)


@pytest.mark.slow
def test_the_directory_of_a_hundred_million_tiles(tmp_path: Path) -> None:
    """8,192 × 12,207 tiles at the largest zoom, whose bytes are a hole in the file."""
    sizes, tile = levels(8192 * 256, 12_207 * 256), 256
    tracemalloc.start()
    covered = sum(square.pixels for square in map_tiles.squares(tuple(sizes), tile))
    assert covered == sum(width * height for width, height in sizes)
    count, step = 100_000_000, 1 << 20
    random = np.random.default_rng(0)
    kept: dict[int, tuple[int, int]] = {}
    with (tmp_path / "a").open("w+b") as file, TemporaryFile(dir=tmp_path) as waiting:
        made = Archive(file, waiting)
        for start in range(0, count, step):
            entries = np.zeros(min(step, count - start), ENTRY)
            entries["tile"], entries["run"] = np.arange(start, start + len(entries)), 1
            entries["length"] = random.integers(1, 30, len(entries))
            ends = made.size + np.cumsum(entries["length"], dtype=np.uint64)
            entries["offset"] = ends - entries["length"]
            made.size = int(ends[-1])
            waiting.write(entries.tobytes())
            kept[start] = int(entries["offset"][0]), int(entries["length"][0])
        made.tiles = made.count = made.contents = count
        file.seek(made.size, 1)
        made.finish({}, "png", WORLD, b"record")
        requests: list[int] = []

        def get(offset: int, length: int) -> bytes:
            if offset >= RESERVED:  # all of the first 16 KiB are one request
                requests.append(length)
            file.seek(offset)
            return file.read(length)

        reader = Reader(get)
        for number, (offset, length) in kept.items():
            file.seek(RESERVED + offset)
            file.write(b"x" * length)
            requests.clear()
            assert reader.get(*tileid_to_zxy(number)) == b"x" * length
            assert len(requests) == (1 if number < 256 else 2)
            assert max(requests) < 1 << 17  # bytes of a leaf
    assert tracemalloc.get_traced_memory()[1] < 128 << 20
    tracemalloc.stop()


def test_metadata_of_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 200)
    with pytest.raises(ValueError, match="no PMTiles"):
        pmtiles_archive.read_metadata(tmp_path / "a")
    assert gzip.decompress(packed_directory(np.zeros(0, ENTRY))) == b"\0"
