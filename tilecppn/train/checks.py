"""Checks of a training's paths and images that need no torch, whose import takes seconds."""

from pathlib import Path

from PIL import Image

from tilecppn import filesystem
from tilecppn.cppn import CPPN
from tilecppn.errors import CheckpointError, DataError, InvalidRequestError, WeightsError
from tilecppn.storage.metadata import check_outside_stores
from tilecppn.train.data.images import Images
from tilecppn.train.settings import Settings

MARK = "training.json"  # its presence marks a training folder
MIN_SIDE, MAX_PIXELS = 8, 2**26  # of an image to fit


def default_save_dir(output: Path) -> Path:
    """Return the training folder of the model file `output` if none is given."""
    return output.with_suffix(".training")


def checkpoints(save_dir: Path) -> list[Path]:
    """Return all checkpoints, oldest first."""
    parent = save_dir / "checkpoints"
    if not parent.is_dir():
        return []
    return sorted(p for p in parent.iterdir() if p.name.isdigit() and p.is_dir())


def check_output(output: Path, *, overwrite: bool) -> None:
    """Raise InvalidRequestError unless `output` is free, or with `overwrite` a model file."""
    if output.suffix != ".safetensors":
        raise InvalidRequestError(
            f"{output}: a model is a .safetensors file; give a name that ends so"
        )
    if why := filesystem.obstacle(output):
        raise InvalidRequestError(f"{output}: {why}; choose another path")
    if output.is_symlink() or output.is_dir():
        raise InvalidRequestError(f"{output}: is not a file; choose another name")
    if not output.exists():
        check_outside_stores(output)
        return
    try:
        CPPN.load(output)
    except WeightsError:
        raise InvalidRequestError(
            f"{output}: is there already, and no model; choose another name"
        ) from None
    if not overwrite:
        raise InvalidRequestError(
            f"{output}: is there already; choose another name, or --overwrite"
        )


def check_paths(output: Path, folder: Path, start: Path | None, overwrite: bool) -> None:
    """Raise InvalidRequestError if a training would overwrite something else.

    folder: the training folder. start: the checkpoint to resume from.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InvalidRequestError(f"{folder}: is not a folder; choose another --save-dir")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise InvalidRequestError(f"{folder}: holds something else; choose another --save-dir")
    if overwrite and start is not None:
        raise InvalidRequestError(
            "--overwrite and --from: one trains anew, the other goes on; leave one out"
        )
    if start is not None and not start.is_dir():
        raise CheckpointError(f"{start}: is no checkpoint: a folder in SAVE_DIR/checkpoints")
    check_output(output, overwrite=overwrite or bool(checkpoints(folder)))


def check_fit(settings: Settings, images: Images) -> None:
    """Raise DataError if there are too few images, or they are too small."""
    side = images.shortest_side
    if not 4 <= (settings.size or 0) <= side:
        raise DataError(
            f"{images.source}: images of {side} pixels a side: --size must be from 4 to {side}"
        )
    if len(images) < (settings.batch or 0):
        raise DataError(f"{images.source}: {len(images)} images: set --batch to that, or smaller")


def check_picture(picture: Image.Image) -> None:
    """Raise DataError if an image is too small or too large to fit."""
    width, height = picture.size
    if min(width, height) < MIN_SIDE or width * height > MAX_PIXELS:
        raise DataError(
            f"an image of {width} × {height}: must have {MIN_SIDE} pixels a side, and "
            f"{MAX_PIXELS:,} in all at most; tilecppn fit --resize N makes it smaller"
        )
