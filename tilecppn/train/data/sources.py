"""Read the images that the command line's DATA names."""

from collections.abc import Callable
from pathlib import Path

from tilecppn.errors import DataError
from tilecppn.train.data import folder as folders
from tilecppn.train.data import idx
from tilecppn.train.data.digits import read_digits
from tilecppn.train.data.images import Images
from tilecppn.train.data.mnist import read_mnist

WORDS: dict[str, Callable[[], Images]] = {"digits": read_digits, "mnist": read_mnist}


def read_data(data: str, resize: int | None = None) -> Images:
    """Return the images that `data` names: a key of WORDS, or a folder of IDX files or images.

    `resize` applies to folders of images. Raises DataError, naming the file that is wrong.
    """
    if data in WORDS:
        if resize is not None:
            raise DataError(f"{data}: all its images have one size; leave --resize out")
        return WORDS[data]()
    path = Path(data)
    if not path.is_dir():
        what = "is a file" if path.is_file() else "is not there"
        words = " or ".join(WORDS)
        raise DataError(f"{data}: {what}; DATA is a folder, or one of the words {words}")
    if idx.is_idx_folder(path):
        return idx.read_folder(path, data)
    return folders.read_folder(path, data, resize)
