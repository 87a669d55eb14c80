"""Write a list of images as an animated GIF."""

from collections.abc import Sequence
from os import PathLike

from PIL import Image

from tilecppn.errors import InvalidRequestError

MIN_SECONDS, MAX_SECONDS = 0.01, 655.35  # shortest and longest time that a GIF can show a frame


def save_gif(
    images: Sequence[Image.Image], path: str | PathLike[str], seconds: Sequence[float]
) -> None:
    """Write `images`, all of one size, as a GIF that loops for ever.

    seconds: how long each image is shown, rounded to hundredths. Successive equal images become one
    frame that is shown longer. Grey images keep their values; each colour image gets its own
    palette.

    Raises InvalidRequestError for no images, unequal sizes, or durations that a GIF cannot have.
    """
    if not images:
        raise InvalidRequestError("an animation needs at least one image")
    if len({image.size for image in images}) > 1:
        raise InvalidRequestError("the images of an animation must all have the same size")
    for value in seconds:
        if not MIN_SECONDS <= value <= MAX_SECONDS:
            raise InvalidRequestError(
                f"duration {value}: a GIF shows a frame for at least {MIN_SECONDS} seconds and at "
                f"most {MAX_SECONDS}"
            )
    first, *others = [_with_palette(image) for image in images]
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[10 * round(100 * value) for value in seconds],  # milliseconds
        loop=0,
    )


def _with_palette(image: Image.Image) -> Image.Image:
    """Reduce a colour image to its own palette of 256 colours; return a grey one as it is."""
    if image.mode == "L":
        return image
    # k-means refines the colours of Pillow's median cut until fewer than a sixteenth of the pixels
    # change their colour: a quarter less error on busy pictures, at no cost on smooth ones.
    return image.convert("RGB").quantize(256, kmeans=1 + image.width * image.height // 16)
