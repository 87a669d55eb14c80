"""The sound of a film, as a third program hears it."""

import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from tests.film.encoding.conftest import seen
from tests.film.sounds import tones
from tilecppn import ffmpeg
from tilecppn.errors import ExportError
from tilecppn.film.animate import animate
from tilecppn.film.timeline.excerpt import excerpt
from tilecppn.film.timeline.timeline import Timeline

CODECS = {".mp4": "aac", ".mov": "pcm_s24le", ".webm": "opus", ".mkv": "flac"}


def heard(path: Path) -> tuple[str, float, list[float]]:
    """The codec, seconds, and the loudest frequency of each 0.1 s, 0 where it is silent."""
    with av.open(path) as file:
        stream = file.streams.audio[0]
        codec, rate = stream.codec_context.name, stream.codec_context.sample_rate
        to_float = av.AudioResampler("fltp", "mono", rate)
        parts = [
            part.to_ndarray()[0]
            for frame in [*file.decode(audio=0), None]
            for part in to_float.resample(frame)
        ]
    samples = np.concatenate(parts)
    loudest = []
    for part in np.split(samples, range(rate // 10, len(samples), rate // 10)):
        spectrum = np.abs(np.fft.rfft(part))
        loud = spectrum.max() > 0.02 * len(part)
        loudest.append(float(spectrum.argmax() * rate / len(part)) if loud else 0.0)
    return codec, len(samples) / rate, loudest


@pytest.mark.parametrize("suffix", CODECS)
def test_a_film_has_its_sound(suffix: str, even_film: Timeline, tmp_path: Path) -> None:
    sound = tones(tmp_path / "a.wav", (500, 0.6), (3000, 0.5))
    path = animate(even_film, tmp_path / f"a{suffix}", audio=sound, executor="local")
    silent = animate(even_film, tmp_path / f"b{suffix}", executor="local")
    codec, seconds, loudest = heard(path)
    assert codec == CODECS[suffix]
    assert seconds == pytest.approx(1.1, abs=0.05)
    assert loudest[1:5] == pytest.approx([500] * 4, rel=0.05)
    assert loudest[7:10] == pytest.approx([3000] * 3, rel=0.05)
    mine, other = seen(path), seen(silent)
    assert mine.times == other.times
    for one, two in zip(mine.frames, other.frames, strict=True):
        assert np.array_equal(*(f.to_ndarray(format="rgb24") for f in (one, two)))


def test_a_long_sound_is_cut_and_a_short_one_ends(even_film: Timeline, tmp_path: Path) -> None:
    sound = tones(tmp_path / "long.wav", (500, 5))
    path = animate(even_film, tmp_path / "a.mov", audio=sound, executor="local")
    assert heard(path)[1] == pytest.approx(1.1, abs=0.01)
    assert seen(path).seconds == pytest.approx(1.1, abs=0.01)
    sound = tones(tmp_path / "short.wav", (500, 0.3))
    path = animate(even_film, tmp_path / "b.mov", audio=sound, executor="local")
    assert heard(path)[1] == pytest.approx(0.3, abs=0.01)
    assert len(seen(path).frames) == 11


def test_an_excerpt_has_the_sound_of_its_time(even_film: Timeline, tmp_path: Path) -> None:
    sound = tones(tmp_path / "a.wav", (500, 0.5), (3000, 0.6))
    part = excerpt(even_film, "0.4", "0.8")
    loudest = heard(animate(part, tmp_path / "a.mov", audio=sound, executor="local"))[2]
    assert loudest == pytest.approx([500, 3000, 3000, 3000], rel=0.05)
    short = tones(tmp_path / "short.wav", (500, 0.2))  # over before the excerpt begins
    path = animate(part, tmp_path / "b.mp4", audio=short, executor="local")
    assert len(seen(path).frames) == 4


def test_the_sound_is_part_of_what_a_film_is(even_film: Timeline, tmp_path: Path) -> None:
    path, sound = tmp_path / "a.mp4", tones(tmp_path / "a.wav", (500, 1))
    animate(even_film, path, audio=sound, executor="local")
    made = path.read_bytes()
    animate(even_film, path, audio=sound, executor="local")  # is done
    with pytest.raises(ExportError, match="already exists"):
        animate(even_film, path, audio=tones(sound, (600, 1)), executor="local")
    assert path.read_bytes() == made
    animate(even_film, path, audio=sound, overwrite=True, executor="local")
    assert heard(path)[2][2] == pytest.approx(600, rel=0.05)


def test_what_is_no_sound_is_refused(even_film: Timeline, tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("not a sound")
    (tmp_path / "folder.mp3").mkdir()
    silent = animate(even_film, tmp_path / "silent.mp4", executor="local")
    for name, words in (
        ("none.mp3", "does not exist"),
        ("text.mp3", "cannot be read"),
        ("folder.mp3", "not a file"),
        (silent.name, "no sound"),
    ):
        with pytest.raises(ExportError, match=words) as error:
            animate(even_film, tmp_path / "a.mp4", audio=tmp_path / name)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
    sound = tones(tmp_path / "a.wav", (500, 1))
    for name in ("a.gif", "a.zarr", "frames"):
        with pytest.raises(ExportError, match="audio"):
            animate(even_film, tmp_path / name, audio=sound)
    assert not list(tmp_path.glob("*.parts"))


@pytest.mark.parametrize(
    ("first", "second"),
    [(a, b) for a in CODECS for b in (".mp4", ".mov", ".mkv") if (a, b) != (".webm", ".mov")],
)  # a .mov holds no VP9
def test_a_film_muxed_by_others_carries_its_timeline(
    first: str, second: str, even_film: Timeline, tmp_path: Path
) -> None:
    codec = None if first == ".webm" else "h264"
    path = animate(even_film, tmp_path / f"a{first}", codec=codec, executor="local")
    sound = tones(tmp_path / "a.wav", (500, 1))
    copy = tmp_path / f"copy{second}"
    command = [ffmpeg.executable(), "-v", "error", "-i", str(path), "-i", str(sound)]
    subprocess.run(
        [*command, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", str(copy)],
        check=True,
        timeout=60,
    )
    assert Timeline.load(copy).fingerprint == even_film.fingerprint
