"""Tracks that follow a sound: its loudness, total or in a frequency band, at each frame.

    [film.arrays]
    "view.scale" = {track = "song.mp3#bass", low = 4.0, high = 3.5}

The value is `low` where the band is silent and `high` where it is loudest. It rises with the sound
at once and falls by 1/e in `release` seconds. Reading a timeline replaces the sound by these
numbers, so a film or a store can be drawn again without the sound file.
"""

import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn import ffmpeg
from tilecppn.addresses import file_beside
from tilecppn.errors import InvalidRequestError, RenderError, SceneError
from tilecppn.film.timeline.keyframes import Film
from tilecppn.suggestions import one_of

Array = NDArray[np.float64]
Sound = NDArray[np.float32]  # samples from -1 to 1

RATE = 44100  # samples per second for the analysis
WINDOW = 2048  # samples around a frame's time, 46 ms
HIGHEST = RATE / 2  # Hz
BANDS = {  # Hz
    "volume": (20.0, HIGHEST),
    "bass": (20.0, 250.0),
    "mid": (250.0, 4000.0),
    "treble": (4000.0, HIGHEST),
}
RELEASE = 0.15  # seconds
DIGITS = 4  # decimals of a loudness, since machines may differ in the last bits of a spectrum
KEYS = ("track", "low", "high", "release")


def has_sounds(film: Film) -> bool:
    """Return whether a track of [film.arrays] follows a sound."""
    return any(isinstance(value, Mapping) for value in film.arrays.values())


def with_sounds(film: Film, folder: Path) -> dict[str, Any]:
    """Return film.arrays with each sound replaced by a list of values, one per frame.

    Paths of sounds are relative to `folder`. Raises SceneError.
    """

    @cache  # several tracks may follow the same sound
    def samples(name: str) -> Sound:
        return decode(file_beside(folder, name), film.seconds)

    found: dict[str, Any] = {}
    for name, value in film.arrays.items():
        if not isinstance(value, Mapping):
            found[name] = value
            continue
        try:
            found[name] = _values(value, film, samples, exponential=name == "view.scale")
        except SceneError as error:
            raise SceneError(f"film.arrays.{name}: {error}") from None
    return found


def _values(
    said: Mapping[str, Any], film: Film, samples: Callable[[str], Sound], *, exponential: bool
) -> list[Any]:
    """Return one value per frame, from the loudness of the sound that `said` names."""
    for key in said:
        one_of(KEYS, key, "key")
    low, high = (_numbers(said, key) for key in ("low", "high"))
    if low.shape != high.shape:
        raise SceneError("low and high must have equally many numbers")
    release = said.get("release", RELEASE)
    if not isinstance(release, int | float) or not 0 <= release < np.inf:
        raise SceneError(f"release = {release}: must be a number of seconds, 0 or more")
    name, _, band = str(said.get("track", "")).partition("#")
    frequencies = _band(band or "volume")
    levels = loudness(samples(name), frequencies, film.all_frames, float(film.fps))
    levels = np.round(released(levels, release * float(film.fps)), DIGITS)
    if exponential and low > 0 and high > 0:  # as between keyframes
        values = low * (high / low) ** levels
    else:
        values = low + (high - low) * levels.reshape(-1, *[1] * low.ndim)
    found: list[Any] = np.round(values, 12).tolist()
    return found


def _numbers(said: Mapping[str, Any], key: str) -> Array:
    """Return a number, or a list of numbers, as an array."""
    try:
        numbers = np.asarray(said[key], np.float64)
        if numbers.ndim > 1 or not np.isfinite(numbers).all():
            raise ValueError
    except (KeyError, TypeError, ValueError):
        raise SceneError(f"{key}: must be a number, or a list of numbers") from None
    return numbers


def _band(name: str) -> tuple[float, float]:
    """Return the frequencies of a band in Hz, from a name in BANDS or a range such as "60-120"."""
    if name in BANDS:
        return BANDS[name]
    try:
        low, high = (float(part) for part in name.split("-"))
        if not 0 <= low < high <= HIGHEST:
            raise ValueError
    except ValueError:
        raise SceneError(
            f'"#{name}": must be one of {", ".join(BANDS)}, or frequencies in Hz as in #60-120, '
            f"{HIGHEST:g} at most"
        ) from None
    return low, high


def decode(path: Path, seconds: float) -> NDArray[np.float32]:
    """Return the first `seconds` of a sound file, mixed to one channel, RATE samples per second.

    Raises SceneError if it is not a sound file.
    """
    if not path.is_file():
        raise SceneError(f"{path}: is not a file; give a sound, as in song.mp3#bass")
    with tempfile.NamedTemporaryFile(suffix=".f32") as raw:
        try:
            ffmpeg.run(
                [
                    *("-t", f"{seconds + WINDOW / RATE:.6f}"),
                    *ffmpeg.local_input(path),
                    *ffmpeg.FIRST_SOUND,
                    *("-flags:a", "+bitexact", "-ac", "1", "-ar", str(RATE)),
                    *("-f", "f32le", raw.name),
                ]
            )
        except (RenderError, InvalidRequestError) as error:
            raise SceneError(f"{path}: cannot be read as sound ({error})") from None
        return np.fromfile(raw.name, "<f4")


def loudness(
    samples: NDArray[np.float32], band: tuple[float, float], frames: int, fps: float
) -> Array:
    """Return the amplitude of a band (Hz) at each frame (frames,), scaled to a maximum of 1.

    All are 0 if the band is silent throughout. The amplitude is the square root of the power in the
    band's bins of a Fourier transform with a Hann window.
    """
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    chosen = (frequencies >= band[0]) & (frequencies < band[1])
    if not chosen.any():  # the band is narrower than a bin
        chosen[np.abs(frequencies - sum(band) / 2).argmin()] = True
    hann = np.hanning(WINDOW + 1)[:-1]
    levels = np.zeros(frames)
    for frame in range(frames):
        start = round(frame / fps * RATE) - WINDOW // 2
        here = samples[max(0, start) : max(0, start + WINDOW)]
        if len(here):
            part = np.zeros(WINDOW)
            part[max(0, -start) : max(0, -start) + len(here)] = here
            spectrum = np.fft.rfft(part * hann)[chosen]
            levels[frame] = np.sqrt(np.sum(spectrum.real**2 + spectrum.imag**2))
    most = levels.max()
    return levels / most if most > 0 else levels


def released(levels: Array, frames: float) -> Array:
    """Limit how fast levels (n,) fall, to 1/e in `frames` frames; they rise at once."""
    if frames <= 0:
        return levels
    kept, out, level = float(np.exp(-1.0 / frames)), np.empty_like(levels), 0.0
    for i, here in enumerate(levels):
        level = max(float(here), level * kept)
        out[i] = level
    return out
