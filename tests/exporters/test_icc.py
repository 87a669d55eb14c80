"""The colour profiles, against those of LittleCMS."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from tilecppn.exporters.icc import srgb


def opened(channels: int) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(srgb(channels)))


def through(image: Image.Image, *stages: Any) -> NDArray[np.int64]:
    transform = ImageCms.buildTransform(*stages)
    return np.asarray(ImageCms.applyTransform(image, transform)).astype(np.int64)


def test_colour_is_littlecms_srgb() -> None:
    profile = opened(3)
    assert ImageCms.getProfileDescription(profile).strip() == "sRGB"
    colours = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    image, lab = Image.fromarray(colours), ImageCms.createProfile("LAB")
    own = through(image, profile, lab, "RGB", "LAB")
    theirs = through(image, ImageCms.createProfile("sRGB"), lab, "RGB", "LAB")
    assert np.abs(own - theirs).max() <= 1


def test_grey_is_the_grey_of_srgb() -> None:
    greys = np.arange(256, dtype=np.uint8)[None]
    colours = through(Image.fromarray(greys), opened(1), ImageCms.createProfile("sRGB"), "L", "RGB")
    assert np.array_equal(colours, np.repeat(greys[..., None], 3, axis=2))
