"""Read IDX, the format of MNIST and Fashion-MNIST (http://yann.lecun.com/exdb/mnist/), gzipped or
not.

Two zero bytes, the type (8: unsigned byte), the number of dimensions, each dimension as a
big-endian 32-bit integer, then the values.
"""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tilecppn.errors import DataError
from tilecppn.train.data.images import MAX_BYTES, Images

_UNSIGNED_BYTE = 8
IMAGES = ("train-images-idx3-ubyte", "train-images.idx3-ubyte")
LABELS = ("train-labels-idx1-ubyte", "train-labels.idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array in an IDX file. Raises DataError, naming the file and the fault."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            head = file.read(4 + 4 * dimensions)
            if len(head) < 4:
                raise DataError(f"{path}: truncated: {len(head)} bytes are no IDX file")
            zero, kind, found = struct.unpack(">HBB", head[:4])
            if (zero, kind, found) != (0, _UNSIGNED_BYTE, dimensions):
                right = bytes([0, 0, _UNSIGNED_BYTE, dimensions]).hex()
                raise DataError(f"{path}: its magic number is {head[:4].hex()}, must be {right}")
            if len(head) < 4 + 4 * dimensions:
                raise DataError(f"{path}: truncated in its header")
            shape = struct.unpack(f">{dimensions}I", head[4:])
            count = prod(shape)
            if count > MAX_BYTES:
                raise DataError(f"{path}: {count:,} bytes of pixels; {MAX_BYTES:,} are the most")
            data = file.read(count + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: truncated or damaged: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if len(data) != count:
        what = "truncated" if len(data) < count else "too long"
        raise DataError(f"{path}: {what}: its header promises {count:,} bytes of values")
    return np.frombuffer(data, np.uint8).reshape(shape)


def find(folder: Path, names: tuple[str, ...]) -> Path | None:
    """Return the file with one of these names, or with `.gz` appended; None if there is none."""
    candidates = [folder / (name + suffix) for name in names for suffix in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def is_idx_folder(folder: Path) -> bool:
    """Return whether a folder has any of MNIST's files."""
    return any(find(folder, names) for names in (IMAGES, LABELS, TEST))


def read_folder(folder: Path, source: str) -> Images:
    """Read MNIST's training images and labels; test files may be present and are ignored."""
    found = []
    for kind in (IMAGES, LABELS):
        path = find(folder, kind)
        if path is None:
            raise DataError(f"{folder / kind[0]}: is missing (with .gz or without)")
        found.append(path)
    pixels, labels = read_idx(found[0], 3), read_idx(found[1], 1)
    if not pixels.size:
        raise DataError(f"{found[0]}: holds no images")
    if len(labels) != len(pixels):
        raise DataError(f"{found[1]}: {len(labels):,} labels for {len(pixels):,} images")
    names = tuple(str(i) for i in range(int(labels.max()) + 1))
    return Images(source, pixels[..., None], labels.astype(np.int64), names)
