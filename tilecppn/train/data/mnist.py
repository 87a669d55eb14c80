"""Download MNIST's training files, verify their SHA-256, and cache them."""

import hashlib
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from tilecppn import filesystem
from tilecppn.errors import DataError
from tilecppn.train.data.idx import read_folder
from tilecppn.train.data.images import Images

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
FILES = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
}
MAX_BYTES = 2**24  # the larger of the two files has 9.9 million bytes
TIMEOUT = 20.0  # seconds without receiving a byte


def read_mnist(folder: Path | None = None, mirrors: Sequence[str] = MIRRORS) -> Images:
    """Return 60,000 digits of 28 × 28, downloaded once into `folder` (default: the user's cache).

    Raises DataError if no mirror has the right files, or there is no folder to keep them in.
    """
    if folder is None:
        cache = filesystem.cache_directory()
        if cache is None:
            raise DataError("mnist: no home folder to keep it in; set XDG_CACHE_HOME to a folder")
        folder = cache / "mnist"
    for name, sha256 in FILES.items():
        path = folder / name
        if not path.exists() or _sha256(path.read_bytes()) != sha256:
            filesystem.write_atomic(path, _download(name, sha256, mirrors))
    return read_folder(folder, "mnist")


def _download(name: str, sha256: str, mirrors: Sequence[str]) -> bytes:
    reasons = []
    for mirror in mirrors:
        try:
            with urllib.request.urlopen(mirror + name, timeout=TIMEOUT) as answer:
                data: bytes = answer.read(MAX_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            reasons.append(f"{mirror}: {error}")
            continue
        if _sha256(data) == sha256:
            return data
        reasons.append(f"{mirror}: its file has another checksum")
    raise DataError(
        f"mnist: {name} cannot be downloaded ({'; '.join(reasons)}). Without a network give a "
        "folder with MNIST's files, or train on: digits"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
