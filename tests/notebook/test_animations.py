"""Sampler's morphs and animated GIFs."""

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

import tilecppn as tc
from tilecppn.errors import InvalidRequestError


def test_morph_goes_evenly_from_end_to_end() -> None:
    sampler = tc.Sampler(seed=1)
    z1, z2 = sampler.generate_z(), sampler.generate_z()
    images = sampler.morph(z1, z2, 5, 20, 12)
    assert len(images) == 5
    assert np.array_equal(images[0], sampler.generate(z1, 20, 12))
    assert np.array_equal(images[-1], sampler.generate(z2, 20, 12))
    assert np.allclose(images[1], sampler.generate(z1 + (z2 - z1) / 4, 20, 12), rtol=0, atol=1e-4)
    assert len(sampler.morph(z1, z2, x_dim=8, y_dim=8)) == 10
    assert len(sampler.morph(z1, z2, 1, 8, 8)) == 1
    with pytest.raises(InvalidRequestError, match="0 frames"):
        sampler.morph(z1, z2, 0, 8, 8)


def test_sinusoid_morph_follows_a_quarter_of_a_sine() -> None:
    sampler = tc.Sampler(seed=1)
    z1, z2 = sampler.generate_z(), sampler.generate_z()
    middle = sampler.morph(z1, z2, 3, 20, 12, sinusoid=True)[1]
    at = z1 + np.sin(np.pi / 4) * (z2 - z1)
    assert np.allclose(middle, sampler.generate(at, 20, 12), rtol=0, atol=1e-4)


def frames(path: Path) -> tuple[list[Any], list[float], Any]:
    """Frames, seconds each, and the loop count (0: for ever), by Pillow."""
    with Image.open(path) as gif:
        pictures = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
        seconds = []
        for i in range(len(pictures)):
            gif.seek(i)
            seconds.append(gif.info["duration"] / 1000)
        return pictures, seconds, gif.info.get("loop")


@pytest.fixture(scope="module")
def default_gif(tmp_path_factory: pytest.TempPathFactory) -> tuple[tc.Sampler, Path, Any, Any]:
    path = tmp_path_factory.mktemp("gif") / "anim.gif"
    sampler = tc.Sampler(seed=1)
    z1, z2 = sampler.generate_z(), sampler.generate_z()
    sampler.save_anim_gif(z1, z2, str(path))
    return sampler, path, z1, z2


def test_animation_has_the_originals_frames_times_and_loop(
    default_gif: tuple[tc.Sampler, Path, Any, Any],
) -> None:
    sampler, path, z1, z2 = default_gif
    pictures, seconds, loop = frames(path)
    assert len(pictures) == 23
    assert seconds == [0.5, *[0.1] * 10, 1.0, *[0.1] * 10, 0.5]
    assert round(sum(seconds), 9) == 4.0
    assert loop == 0
    for index, z in ((0, z1), (11, z2), (22, z1), (4, z1 + 4 * (z2 - z1) / 11)):
        grey = np.asarray(sampler.to_image(sampler.generate(z, 512, 512)), np.int64)
        assert np.abs(pictures[index][:, :, 0] - grey).max() <= 1
    for i in range(11):
        assert np.array_equal(pictures[i], pictures[22 - i])


def test_ffmpeg_reads_the_animation(default_gif: tuple[tc.Sampler, Path, Any, Any]) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(default_gif[1])]
    once = subprocess.run(
        [*command, "-fps_mode", "passthrough", "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert once.returncode == 0
    assert re.findall(r"frame=\s*(\d+)", once.stderr)[-1] == "23"
    assert "Duration: 00:00:04.00" in once.stderr
    assert "512x512" in once.stderr
    # An endless file goes on where a demuxer obeys its loop count.
    loops = [command[0], "-hide_banner", "-ignore_loop", "0", *command[2:]]
    more = subprocess.run(
        [*loops, "-t", "9", "-f", "null", "-"], capture_output=True, text=True, timeout=60
    )
    assert re.findall(r"time=(\S+)", more.stderr)[-1].startswith("00:00:0")
    assert float(re.findall(r"time=00:00:(\S+)", more.stderr)[-1]) > 8.0


def test_animation_one_way(tmp_path: Path) -> None:
    sampler = tc.Sampler(c_dim=3, seed=1)
    z1, z2 = sampler.generate_z(), sampler.generate_z()
    sampler.save_anim_gif(
        z1, z2, tmp_path / "a.gif", n_frame=3, duration1=0.2, duration2=0.3, duration=0.05,
        x_dim=40, y_dim=30, scale=5.0, reverse=False,
    )  # fmt: skip
    pictures, seconds, _ = frames(tmp_path / "a.gif")
    assert seconds == [0.2, 0.05, 0.05, 0.05, 0.3]
    assert pictures[0].shape == (30, 40, 3)
    expected = np.asarray(sampler.to_image(sampler.generate(z2, 40, 30, 5.0)), np.int64)
    assert np.abs(pictures[-1] - expected).mean() < 8  # 256 colours a frame


@pytest.mark.parametrize("call", ["list", "array", "keywords"])
def test_animation_of_images(tmp_path: Path, call: str) -> None:
    sampler = tc.Sampler(seed=1)
    images = sampler.morph(sampler.generate_z(), sampler.generate_z(), 6, 40, 30)
    path = tmp_path / "a.gif"
    if call == "list":
        sampler.save_anim_gif(images, str(path))
    elif call == "array":
        sampler.save_anim_gif(np.stack(images), path, 0.1)
    else:
        sampler.save_anim_gif(images=images, filename=path, duration=0.1)
    pictures, seconds, loop = frames(path)
    assert seconds == [0.1] * 6
    assert loop == 0
    for picture, image in zip(pictures, images, strict=True):
        assert np.array_equal(picture[:, :, 0], np.asarray(sampler.to_image(image)))


def test_durations_that_no_gif_has_are_refused(tmp_path: Path) -> None:
    sampler = tc.Sampler(seed=1)
    with pytest.raises(InvalidRequestError, match=r"0\.01 seconds"):
        sampler.save_anim_gif([np.zeros((4, 4))] * 2, tmp_path / "a.gif", 0.001)
    assert not (tmp_path / "a.gif").exists()


@pytest.mark.parametrize("nothing", [[], (), np.zeros((0, 4, 4))], ids=["list", "tuple", "array"])
def test_an_animation_of_no_images_is_refused(tmp_path: Path, nothing: Any) -> None:
    sampler = tc.Sampler(seed=1)
    with pytest.raises(InvalidRequestError, match="at least one image"):
        sampler.save_anim_gif(nothing, tmp_path / "a.gif")
    with pytest.raises(InvalidRequestError, match="at least one image"):
        sampler.save_anim_gif(images=nothing, filename=tmp_path / "a.gif")
    with pytest.raises(InvalidRequestError, match="same size"):
        sampler.save_anim_gif([np.zeros((4, 4)), np.zeros((4, 5))], tmp_path / "a.gif")
    assert not (tmp_path / "a.gif").exists()


def test_coloured_animations_have_a_good_palette_for_each_frame(tmp_path: Path) -> None:
    """On a busy picture, closer than Pillow's own 256 colours."""
    sampler = tc.Sampler(c_dim=3, seed=1)
    images = sampler.morph(sampler.generate_z(), sampler.generate_z(), 3, 128, 128)
    sampler.save_anim_gif(images, tmp_path / "a.gif", 0.25)
    found, seconds, loop = frames(tmp_path / "a.gif")
    assert (seconds, loop) == ([0.25] * 3, 0)
    for drawn, image in zip(found, images, strict=True):
        exact = sampler.to_image(image)
        plain = np.asarray(exact.quantize(256).convert("RGB"))
        errors = [
            np.square(drawing - np.asarray(exact, float)).mean() for drawing in (drawn, plain)
        ]
        assert errors[0] < 0.8 * errors[1]


def test_unequal_durations_of_a_coloured_animation(tmp_path: Path) -> None:
    sampler = tc.Sampler(c_dim=3, seed=1)
    z1, z2 = sampler.generate_z(), sampler.generate_z()
    sampler.save_anim_gif(
        z1, z2, tmp_path / "a.gif", 2, 0.33, 1.07, 0.1, x_dim=16, y_dim=12, reverse=True
    )
    _, seconds, _ = frames(tmp_path / "a.gif")
    assert seconds == [0.33, 0.1, 0.1, 1.07, 0.1, 0.1, 0.33]
