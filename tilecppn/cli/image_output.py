"""Writes the image of a command: a preview, a gallery or a contact sheet."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tilecppn.cli.common import FILE
from tilecppn.errors import ExportError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tilecppn.film.timeline.timeline import Timeline
    from tilecppn.scene.scene import Scene

FORMATS = ".png, .jpg, .webp, .avif or .tif"
image_option = click.option(
    "-o", "--output", type=FILE, required=True, help=f"The image to write: {FORMATS}."
)


def image_output(
    path: Path, what: str, *, overwrite: bool = False
) -> Callable[["NDArray[np.uint8]", "Scene | Timeline | str"], None]:
    """Return a function that writes an image (height, width, channels) to `path`, repeatedly.

    The suffix decides the format. The function takes the image and its scene or timeline, or a
    scene's TOML. what: the kind of image for messages, as "a preview". Raises ExportError, before
    any work, for an unknown suffix, and unless `path` is free or, with `overwrite`, an unchanged
    still made by tilecppn.
    """
    from tilecppn.exporters.files.image_file import WRITERS, write_image
    from tilecppn.exporters.kinds import suffix_of
    from tilecppn.exporters.output.atomic import check_output, claimed, naming_destination
    from tilecppn.exporters.output.provenance import STILL, Provenance
    from tilecppn.scene.scene import Scene

    if suffix_of(path) not in WRITERS:
        raise ExportError(f"{path}: {what} is one image; give a name that ends in {FORMATS}")
    check_output(path, STILL, overwrite=overwrite)
    written = False

    def made_from(picture: "Scene | Timeline | str") -> Provenance:
        if isinstance(picture, str):
            return Provenance(STILL, picture, "", what)
        source, about = picture.shared_toml(), picture.about
        profile = picture.output.profile if isinstance(picture, Scene) else "srgb"  # of films
        return Provenance(STILL, source, picture.fingerprint, what, about=about, profile=profile)

    def write(image: "NDArray[np.uint8]", picture: "Scene | Timeline | str") -> None:
        nonlocal written
        with naming_destination(path), claimed(path):
            check_output(path, STILL, overwrite=overwrite or written)
            write_image(image, path, made_from(picture))
        written = True

    return write


def is_made(path: Path, what: str, picture: "Scene | Timeline") -> bool:
    """Return whether `path` is an unchanged image that `image_output` made of a picture."""
    from tilecppn.exporters.output import provenance
    from tilecppn.exporters.output.provenance import STILL, Provenance

    found = provenance.read(path)
    wanted = Provenance(STILL, "", picture.fingerprint, what)
    return found is not None and found.is_copy_of(wanted)
