"""Data sets: what is read, and the one line for what is wrong with them."""

import gzip
import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tests.serve.static import static_server
from tilecppn.errors import DataError
from tilecppn.train.data import mnist
from tilecppn.train.data.digits import read_digits
from tilecppn.train.data.idx import read_idx
from tilecppn.train.data.images import Images
from tilecppn.train.data.mnist import read_mnist
from tilecppn.train.data.sources import read_data

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def idx(values: NDArray[np.uint8]) -> bytes:
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return head + values.tobytes()


def write_mnist(folder: Path, gz: bool = False) -> Path:
    """The four files, as MNIST and Fashion-MNIST have them."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, values in (("images-idx3", PIXELS), ("labels-idx1", LABELS)):
        for part in ("train", "t10k"):
            data = idx(values)
            name = f"{part}-{stem}-ubyte"
            if gz:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("gz", [False, True])
def test_mnists_files(tmp_path: Path, gz: bool) -> None:
    images = read_data(str(write_mnist(tmp_path / "data", gz)))
    assert np.array_equal(images.pixels[..., 0], PIXELS)
    assert images.labels is not None
    assert np.array_equal(images.labels, LABELS)
    assert images.names == tuple("0123456789")
    assert list(images.labelled("1")) == [1, 3]


def test_the_test_files_are_not_needed(tmp_path: Path) -> None:
    folder = write_mnist(tmp_path / "data")
    for path in folder.glob("t10k*"):
        path.unlink()
    assert len(read_data(str(folder))) == 7


TRAIN, LABEL = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
BAD_IDX = {
    "empty": (TRAIN, b"", "truncated"),
    "in its header": (TRAIN, idx(PIXELS)[:9], "truncated in its header"),
    "in its values": (TRAIN, idx(PIXELS)[:-1], "truncated"),
    "too long": (TRAIN, idx(PIXELS) + b"x", "too long"),
    "labels' magic": (TRAIN, idx(LABELS), "magic number is 00000801, must be 00000803"),
    "no magic": (LABEL, b"hello, world", "magic number"),
    "floats": (TRAIN, struct.pack(">HBB3I", 0, 13, 3, 1, 1, 1) + b"\0" * 4, "magic number"),
    "absurdly large": (TRAIN, struct.pack(">HBB3I", 0, 8, 3, *[2**31] * 3), "the most"),
    "no images": (TRAIN, idx(PIXELS[:0]), "holds no images"),
    "too few labels": (LABEL, idx(LABELS[:5]), "5 labels for 7 images"),
    "cut-off gzip": (TRAIN + ".gz", gzip.compress(idx(PIXELS))[:-20], "truncated or damaged"),
    "no gzip": (TRAIN + ".gz", idx(PIXELS), "truncated or damaged"),
    "damaged gzip": (
        TRAIN + ".gz",
        gzip.compress(idx(PIXELS))[:200] + b"garbage" * 20,
        "truncated or damaged",
    ),
}


@pytest.mark.parametrize("what", BAD_IDX)
def test_bad_idx_files_are_named(tmp_path: Path, what: str) -> None:
    name, data, says = BAD_IDX[what]
    folder = write_mnist(tmp_path)
    (folder / name.removesuffix(".gz")).unlink()
    (folder / name).write_bytes(data)
    with pytest.raises(DataError) as error:
        read_data(str(folder))
    assert str(error.value).startswith(str(folder / name))
    assert says in str(error.value)


@pytest.mark.parametrize("name", [TRAIN, LABEL])
def test_missing_idx_files_are_named(tmp_path: Path, name: str) -> None:
    (write_mnist(tmp_path) / name).unlink()
    with pytest.raises(DataError, match=f"{name}: is missing"):
        read_data(str(tmp_path))


@given(st.binary(max_size=24))
def test_any_values_are_read_and_anything_else_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(idx(np.frombuffer(data, np.uint8)))
    assert read_idx(path, 1).tobytes() == data
    path.write_bytes(data)
    with pytest.raises(DataError, match="any: "):
        read_idx(path, 1)


# Folders of images.


def save(path: Path, mode: str = "L", size: tuple[int, int] = (12, 12), value: int = 99) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode in ("L", "I;16") else (value,) * len(mode)).save(path)


def test_a_folder_of_images(tmp_path: Path) -> None:
    for i in range(3):
        save(tmp_path / f"{i}.png", value=i)
    (tmp_path / "notes.txt").write_text("no image")
    images = read_data(str(tmp_path))
    assert images.pixels.shape == (3, 12, 12, 1)
    assert list(images.pixels[:, 0, 0, 0]) == [0, 1, 2]
    assert images.labels is None
    with pytest.raises(DataError, match="have no labels"):
        images.labelled("0")


def test_subfolders_are_labels(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for i in range(2):
            save(tmp_path / name / f"{i}.jpg")
    images = read_data(str(tmp_path))
    assert images.names == ("cat", "dog")
    assert list(images.labelled("dog")) == [2, 3]
    with pytest.raises(DataError, match='no label "cow"; known: cat, dog'):
        images.labelled("cow")


def test_one_colour_image_makes_all_colour(tmp_path: Path) -> None:
    save(tmp_path / "a.png", value=50)
    Image.new("RGB", (12, 12), (1, 2, 3)).save(tmp_path / "b.png")
    pixels = read_data(str(tmp_path)).pixels
    assert pixels.shape == (2, 12, 12, 3)
    assert list(pixels[0, 0, 0]) == [50, 50, 50]
    assert list(pixels[1, 0, 0]) == [1, 2, 3]


def test_kinds_of_image(tmp_path: Path) -> None:
    Image.new("RGBA", (12, 12), (200, 100, 50, 0)).save(tmp_path / "a.png")
    Image.fromarray(np.full((12, 12), 65535, np.uint16)).save(tmp_path / "b.png")
    Image.new("1", (12, 12), 1).save(tmp_path / "c.png")
    pixels = read_data(str(tmp_path)).pixels
    assert [list(p[0, 0]) for p in pixels] == [[0] * 3, [255] * 3, [255] * 3]


def test_mixed_sizes_are_named_and_can_be_made_one(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", size=(12, 13))
    with pytest.raises(DataError, match=r"b\.png: 12 × 13, but a\.png is 12 × 12; resize"):
        read_data(str(tmp_path))
    assert read_data(str(tmp_path), resize=8).pixels.shape == (2, 8, 8, 1)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    for data in (b"", b"not an image", whole[:40], whole[:-200]):
        (tmp_path / "b.png").write_bytes(data)
        with pytest.raises(DataError, match=r"b\.png: cannot be read as an image"):
            read_data(str(tmp_path))


def test_folders_without_images_and_wrong_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        read_data(str(tmp_path))
    with pytest.raises(DataError, match=r"is not there; DATA is a folder, or .* digits or mnist"):
        read_data("digit")
    save(tmp_path / "a.png")
    with pytest.raises(DataError, match="is a file"):
        read_data(str(tmp_path / "a.png"))
    with pytest.raises(DataError, match="leave resize out"):
        read_data("digits", resize=8)


def test_digits() -> None:
    images = read_digits()
    assert images.pixels.shape == (1797, 28, 28, 1)
    assert images.labels is not None
    assert list(images.labels[:10]) == list(range(10))
    edge = np.concatenate([images.pixels[:, :2].ravel(), images.pixels[:, :, -2:].ravel()])
    assert not edge.any()
    assert images.pixels.max() == 255
    # The same ink as the 8 × 8 cells have: 16 is full, a cell is 2.4² of the new pixels.
    from sklearn.datasets import load_digits

    cells = load_digits().images
    ink = images.pixels.sum((1, 2, 3)) / 255
    np.testing.assert_allclose(ink, cells.sum((1, 2)) / 16 * 2.4**2, rtol=0.1)


# Crops.


def test_crops_are_the_originals() -> None:
    """Offsets 0, 1 and 2 on each axis, equally often, and never the same for all images."""
    rows, columns = np.mgrid[0:28, 0:28].astype(np.uint8)
    images = Images("test", np.stack([rows, columns, rows], axis=-1)[None])
    places = np.random.default_rng(1).random((9000, 2))
    cut = images.crops(np.zeros(9000, np.int64), 26, places) * 255
    assert cut.shape == (9000, 26, 26, 3)
    offsets = np.rint(cut[:, 0, 0, :2]).astype(int)
    pairs, counts = np.unique(offsets, axis=0, return_counts=True)
    assert pairs.tolist() == [[i, j] for i in range(3) for j in range(3)]
    assert abs(counts - 1000).max() < 160
    np.testing.assert_allclose(cut[:, 5, 7, 0] - cut[:, 0, 0, 0], 5, atol=1e-4)


def test_values_are_neither_binarised_nor_scaled() -> None:
    images = Images("test", PIXELS[..., None])
    cut = images.crops(np.arange(7), 28, np.zeros((7, 2)))
    np.testing.assert_allclose(cut[..., 0], PIXELS / 255, atol=1e-7)


# The download.


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A server of MNIST's files on this machine."""
    with static_server(write_mnist(tmp_path / "mirror", gz=True)) as url:
        yield url


def sums(folder: Path) -> dict[str, str]:
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in mnist.FILES}


def test_mnist_is_downloaded_once(
    tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist, "FILES", sums(tmp_path / "mirror"))
    dead = "http://127.0.0.1:9/"
    images = read_mnist(tmp_path / "cache", [dead, mirror])
    assert np.array_equal(images.pixels[..., 0], PIXELS)
    assert len(read_mnist(tmp_path / "cache", [dead])) == 7  # from the cache
    (tmp_path / "cache" / (TRAIN + ".gz")).write_bytes(b"damaged")
    with pytest.raises(DataError, match="cannot be downloaded"):
        read_mnist(tmp_path / "cache", [dead])
    assert len(read_mnist(tmp_path / "cache", [mirror])) == 7


def test_a_wrong_checksum_is_refused(tmp_path: Path, mirror: str) -> None:
    """The mirror's files are not the real ones."""
    with pytest.raises(DataError, match=r"another checksum.*train on: digits"):
        read_mnist(tmp_path / "cache", [mirror])
    assert not list((tmp_path / "cache").glob("*.gz"))


def test_mnist_without_a_network_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(DataError, match="give a folder with MNIST's files, or train on: digits"):
        read_mnist(mirrors=["http://127.0.0.1:9/"])


def test_mnist_without_a_home_says_what_to_do(homeless: Path) -> None:
    with pytest.raises(DataError, match="set XDG_CACHE_HOME to a folder"):
        read_mnist(mirrors=())
    assert list(homeless.iterdir()) == []


def test_the_pinned_checksums_are_of_the_training_files() -> None:
    assert set(mnist.FILES) == {TRAIN + ".gz", LABEL + ".gz"}
    assert all(len(bytes.fromhex(sha)) == 32 for sha in mnist.FILES.values())
