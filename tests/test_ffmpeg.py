"""ffmpeg as a process."""

from pathlib import Path

import pytest

from tilecppn import ffmpeg
from tilecppn.errors import RenderError


def test_metadata_goes_through_ffmpeg_unchanged() -> None:
    text = 'a = 1; b\\c # d\n[e]\nf="g"\n'
    assert ffmpeg.metadata_file({"x": text}).startswith(";FFMETADATA1\nx=a \\= 1")


def test_ffmpegs_own_words_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"ffmpeg ended with .*No such file"):
        ffmpeg.run(["-i", str(tmp_path / "none.mp4"), str(tmp_path / "a.mp4")])
