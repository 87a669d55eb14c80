"""ffmpeg as a process."""

from pathlib import Path

import numpy as np
import pytest

from tilecppn import ffmpeg
from tilecppn.errors import RenderError


def test_metadata_goes_through_ffmpeg_unchanged() -> None:
    text = 'a = 1; b\\c # d\n[e]\nf="g"\n'
    assert ffmpeg.metadata_file({"x": text}).startswith(";FFMETADATA1\nx=a \\= 1")


def test_ffmpegs_own_words_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"ffmpeg ended with .*No such file"):
        ffmpeg.run(["-i", str(tmp_path / "none.mp4"), str(tmp_path / "a.mp4")])


def test_the_signal_that_ended_ffmpeg_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "executable", lambda: str(program))
    with pytest.raises(RenderError, match=r"^ffmpeg was ended by signal 9 \(Killed, perhaps for"):
        ffmpeg.run([])


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("dither", [False, True])
@pytest.mark.parametrize(
    ("matrix", "red", "blue"), [("bt709", 0.2126, 0.0722), ("bt2020nc", 0.2627, 0.0593)]
)
def test_16_bits_become_the_nearest_ycbcr(
    matrix: str, red: float, blue: float, dither: bool, full: bool, tmp_path: Path
) -> None:
    """ITU-R BT.709 and BT.2020, item 3; ffmpeg's scale makes luma 1.7 too bright."""
    rgb = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), np.uint16).astype("<u2")
    filters = ffmpeg.Colours(matrix, "bt709", "bt709", full).filters("yuv444p10le", dither=dither)
    out = tmp_path / "a.raw"
    given = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-video_size", "64x64", "-i", "-"]
    ffmpeg.run([*given, "-vf", ",".join(filters), "-f", "rawvideo", str(out)], [rgb])
    found = np.fromfile(out, "<u2").reshape(3, 64, 64)
    r, g, b = np.moveaxis(rgb / 65535, -1, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    first, of_luma, of_colour = (0, 1023, 1023) if full else (64, 876, 896)
    wanted = np.array(
        [
            first + of_luma * luma,
            512 + of_colour * (b - luma) / (2 - 2 * blue),
            512 + of_colour * (r - luma) / (2 - 2 * red),
        ]
    )
    error = found - np.clip(wanted, 0, 1023)
    assert np.abs(error).max() < (1.01 if dither else 0.51)
    assert np.abs(error.mean(axis=(1, 2))).max() < 0.03
