"""An OpenEXR file as OpenImageIO reads it, which has OpenEXR's own library in it."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

NAMES = ("chromaticities", "compression", "title", "XResolution")


def read(path: Path) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Attributes, and all levels (height, width, channels), each in the type that the file has.

    For a process of its own: at the end of pytest's the library would complain of leaks.
    """
    import OpenImageIO as oiio

    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise ValueError(oiio.geterror())
    spec = file.spec()
    attributes = {name: spec.getattribute(name) for name in NAMES}
    attributes["tile"] = spec.tile_width, spec.tile_height
    levels: list[NDArray[Any]] = []
    while file.seek_subimage(0, len(levels)):
        spec = file.spec()
        pixels = file.read_image(0, len(levels), 0, spec.nchannels, spec.format)
        if pixels is None:
            raise ValueError(file.geterror())
        levels.append(np.reshape(pixels, (spec.height, spec.width, spec.nchannels)))
    file.close()
    oiio.geterror()  # that there are no more levels
    return attributes, levels
