"""The colour profiles, against those of LittleCMS."""

import hashlib
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from tilecppn.exporters.encoding.icc import icc_profile
from tilecppn.scene.profiles import PROFILES

DIGESTS = ["86132955ec41", "b6b111b796df"]  # of grey and colour


def opened(channels: int, name: str = "srgb") -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc_profile(name, channels)))


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


def test_srgb_never_changes() -> None:
    """Files of all versions carry the same."""
    digests = [hashlib.sha256(icc_profile("srgb", n)).hexdigest()[:12] for n in (1, 3)]
    assert digests == DIGESTS


@pytest.mark.parametrize("name", PROFILES)
def test_littlecms_reads_every_space_as_we_compute_it(name: str) -> None:
    space = PROFILES[name]
    profile = opened(3, name)
    assert ImageCms.getProfileDescription(profile).strip() == space.name
    red, green, blue = (np.array(c) for c in space.colorants)
    assert np.abs(red + green + blue - (0.9642, 1.0, 0.8249)).max() < 2e-4
    colours = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    theirs = through(Image.fromarray(colours), opened(3), profile, "RGB", "RGB")
    own = np.rint(255 * space.from_srgb(colours / 255.0))
    assert np.abs(own - theirs).max() <= 1


@pytest.mark.parametrize("name", PROFILES)
def test_greys_are_neutral_in_every_space(name: str) -> None:
    greys = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    colours = through(greys, opened(1, name), opened(3, name), "L", "RGB")
    assert np.array_equal(colours, np.repeat(np.asarray(greys)[..., None], 3, axis=2))
