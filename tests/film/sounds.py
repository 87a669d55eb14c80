"""Sounds made for tests."""

import wave
from pathlib import Path

import numpy as np

RATE = 22050


def tones(path: Path, *parts: tuple[float, float]) -> Path:
    """Write a sound of sines, each (Hz, seconds), one after another; 0 Hz is silence."""
    waves = [
        0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)
        for hertz, seconds in parts
    ]
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((np.concatenate(waves) * 32767).astype("<i2").tobytes())
    return path
