"""A shard's file, written by us: zarr-python reads it, and would have written the same tiles."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numcodecs import Zstd as ZSTD
from zarr.storage import LocalStore

from tests.stores import noise
from tilecppn.plan import Level, Window
from tilecppn.storage.crc32c import crc32c
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.shard_file import (
    ABSENT,
    ShardFile,
    ShardFileError,
    empty_shard,
    encode_shard,
)
from tilecppn.storage.zarr_format import ArraySpec, invalid_metadata

TILE = 64


def write_array_metadata(folder: Path, spec: ArraySpec) -> None:
    DiskStorage(folder).replace(invalid_metadata(DiskStorage(folder), [spec]))


def level_of(width: int, height: int, shard: int) -> Level:
    return Level(0, width, height, TILE, shard)


def place(folder: Path, row: int, col: int) -> Path:
    path = folder / "0" / "c" / "0" / str(row) / str(col)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def index_of(data: bytes, side: int) -> np.ndarray:
    return np.frombuffer(data[-16 * side * side - 4 : -4], "<u8").reshape(side, side, 2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_zarr_python_reads_whole_and_cut_shards(
    dtype: str, channels: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @given(st.integers(1, 300), st.integers(1, 300))
    @settings(max_examples=12)
    def law(width: int, height: int) -> None:
        folder = tmp_path_factory.mktemp("shards")
        level = level_of(width, height, 128)
        shape = (channels, height, width)
        write_array_metadata(folder, ArraySpec("0", shape, level, dtype))
        pixels = noise(shape, dtype)
        for row in range(level.rows):
            for col in range(level.cols):
                part = pixels[:, row * 128 : row * 128 + 128, col * 128 : col * 128 + 128]
                place(folder, row, col).write_bytes(encode_shard(part, level))
        array = zarr.open_array(LocalStore(folder), path="0", mode="r")
        assert np.array_equal(np.asarray(array[:]), pixels)

    law()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("black", [False, True])
def test_tiles_are_those_of_zarr_pythons_own_codecs(
    dtype: str, black: bool, tmp_path: Path
) -> None:
    """Both pad a cut tile with the fill value, so that cut tiles are the same, too."""
    level = level_of(128 + 77, 128 + 1, 128)
    shape = (3, level.height, level.width)
    write_array_metadata(tmp_path, ArraySpec("0", shape, level, dtype))
    pixels = np.zeros(shape, dtype) if black else noise(shape, dtype)
    with zarr.config.set({"array.write_empty_chunks": True}):
        zarr.open_array(LocalStore(tmp_path), path="0")[:] = pixels
    for row in range(level.rows):
        for col in range(level.cols):
            theirs = place(tmp_path, row, col).read_bytes()
            part = pixels[:, row * 128 : row * 128 + 128, col * 128 : col * 128 + 128]
            ours = encode_shard(part, level)
            for here, there in zip(
                index_of(ours, 2).reshape(-1, 2), index_of(theirs, 2).reshape(-1, 2), strict=True
            ):
                if here[0] == ABSENT:
                    continue  # beyond the canvas; zarr-python pads here with black tiles or none
                mine = ours[int(here[0]) : int(here[0] + here[1])]
                assert mine == theirs[int(there[0]) : int(there[0] + there[1])]


def test_only_tiles_beyond_the_canvas_are_absent() -> None:
    level = level_of(512, 512, 256)
    data = encode_shard(noise((3, 100, 65), "uint8"), level)
    present = index_of(data, 4)[:, :, 0] != ABSENT
    expected = np.zeros((4, 4), bool)
    expected[:2, :2] = True
    assert np.array_equal(present, expected)


def test_a_view_is_encoded_as_its_copy() -> None:
    level = level_of(512, 512, 256)
    wide = noise((3, 300, 400), "uint16")
    for view in (wide[:, 10:266, 7:263], wide[:, 200:60:-1, 5:70], wide[::-1, :100, :100]):
        assert encode_shard(view, level) == encode_shard(np.ascontiguousarray(view), level)


@pytest.mark.parametrize("shape", [(3, 300, 200), (7, 1, 300, 200)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_description_that_says_something_else_is_written_anew(
    shape: tuple[int, ...], dtype: str, tmp_path: Path
) -> None:
    spec = ArraySpec("0", shape, level_of(300, 200, 128), dtype)
    assert [*invalid_metadata(DiskStorage(tmp_path), [spec])] == ["0/zarr.json"]
    write_array_metadata(tmp_path, spec)
    file = tmp_path / "0" / "zarr.json"
    right = file.read_bytes()
    damages = [
        right.replace(b"300", b"301"),
        right.replace(b'"name": "crc32c"', b'"name": "gzip"', 1),
        right.replace(b'"separator": "/"', b'"separator": "."'),
        right.replace(b'"fill_value": 0', b'"fill_value": 1'),
        right.replace(dtype.encode(), b"int16"),
        right[:100],
        b"",
        b"[]",
    ]
    for damage in damages:
        assert damage != right
        file.write_bytes(damage)
        assert [*invalid_metadata(DiskStorage(tmp_path), [spec])] == ["0/zarr.json"]
        write_array_metadata(tmp_path, spec)
        assert file.read_bytes() == right
    # Attributes are whoever's.
    file.write_bytes(right.replace(b'"attributes": {}', b'"attributes": {"a": 1}'))
    assert not invalid_metadata(DiskStorage(tmp_path), [spec])


# Reading

LEVEL = level_of(512, 512, 256)


def shard_file(folder: Path, level: Level = LEVEL, dtype: str = "uint8") -> ShardFile:
    files, empty = DiskStorage(folder), empty_shard(level, "")
    return ShardFile(files, "shard", level, 3, np.dtype(dtype), empty)


@given(window=st.data(), dtype=st.sampled_from(["uint8", "uint16", "float32"]))
@settings(max_examples=40)
def test_a_window_of_a_shard_has_the_pixels_that_were_written(
    tmp_path_factory: pytest.TempPathFactory, window: st.DataObject, dtype: str
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    height, width = (window.draw(st.integers(1, 256)) for _ in range(2))
    pixels = noise((3, height, width), dtype)
    (folder / "shard").write_bytes(encode_shard(pixels, LEVEL))
    top, left = window.draw(st.integers(0, height - 1)), window.draw(st.integers(0, width - 1))
    bottom, right = (
        window.draw(st.integers(top + 1, height)),
        window.draw(st.integers(left + 1, width)),
    )
    out = np.empty((3, bottom - top, right - left), dtype)
    shard_file(folder, dtype=dtype).read(Window(top, left, bottom, right), out)
    assert np.array_equal(out, pixels[:, top:bottom, left:right])


def test_tiles_of_other_zstd_frames_are_read(tmp_path: Path) -> None:
    """Other writers' headers have other fields; one without its size is not taken."""
    pixels = noise((3, 64, 64), "uint8")
    level = level_of(64, 64, 64)
    for frame, taken in (
        (ZSTD(level=19).encode(pixels), True),
        (ZSTD(level=1, checksum=True).encode(pixels), True),
        (ZSTD(level=1).encode(pixels[:2]), False),
        (ZSTD(level=1).encode(np.zeros(1 << 22, np.uint8)), False),
        (b"\x28\xb5\x2f\xfd\x00\x58" + bytes(10), False),
        (b"\x28\xb5", False),
        (b"", False),
    ):
        data = bytes(frame) + crc32c(bytes(frame))
        index = np.array([0, len(data)], "<u8").tobytes()
        (tmp_path / "shard").write_bytes(data + index + crc32c(index))
        out = np.empty_like(pixels)
        if taken:
            shard_file(tmp_path, level).read(Window(0, 0, 64, 64), out)
            assert np.array_equal(out, pixels)
        else:
            with pytest.raises(ShardFileError):
                shard_file(tmp_path, level).read(Window(0, 0, 64, 64), out)


# Faults

WINDOW = Window(0, 0, 100, 65)  # two tiles by two of a shard of four by four


def fault_of(data: bytes, folder: Path) -> str | None:
    (folder / "shard").write_bytes(data)
    return shard_file(folder).fault(WINDOW)


def test_a_shard_without_a_tile_or_its_index_is_damaged(tmp_path: Path) -> None:
    data = encode_shard(noise((3, 100, 65), "uint8"), LEVEL)
    size = 16 * 4 * 4 + 4
    absent = b"\xff" * 16
    assert fault_of(data, tmp_path) is None
    for spoiled in (
        data[-size:],
        data[:-size] + absent + data[-size + 16 :],
        data[1 - size :],
        data[-4:],
    ):
        assert fault_of(spoiled, tmp_path) == "damaged"
    index = np.frombuffer(data[-size:-4], "<u8").reshape(4, 4, 2).copy()
    for place in (ABSENT, 1 << 63, len(data)):
        index[1, 1, 0] = place
        tail = index.tobytes()
        assert fault_of(data[:-size] + tail + crc32c(tail), tmp_path) == "damaged"
    assert fault_of(data, tmp_path) is None


def test_what_cannot_be_read_is_missing_or_damaged(tmp_path: Path) -> None:
    assert shard_file(tmp_path).fault(WINDOW) == "missing"
    assert fault_of(b"", tmp_path) == "missing"
    assert fault_of(empty_shard(LEVEL, ""), tmp_path) == "missing"
    assert shard_file(tmp_path)._replace(name=".").fault(WINDOW) == "damaged"


def test_of_a_shard_only_index_and_tiles_are_read(tmp_path: Path) -> None:
    """Behind a hole of 64 GiB, which would take minutes to read, and more memory than there is."""
    data = encode_shard(noise((3, 100, 65), "uint8"), LEVEL)
    with (tmp_path / "shard").open("wb") as file:
        file.seek(1 << 36)
        file.write(data)
    assert shard_file(tmp_path).fault(WINDOW) == "damaged"
