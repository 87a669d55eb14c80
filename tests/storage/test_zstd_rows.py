"""Frames of smooth pictures: zstd reads them, they are small, and all CPUs write the same."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numcodecs.zstd import compress, decompress
from numpy.typing import NDArray

from tests.stores import noise
from tilecppn.kernels.llvm.codegen import Target
from tilecppn.storage.fse import Code
from tilecppn.storage.zstd_rows import BLOCK, RowEncoder
from tilecppn.storage.zstd_sequences import KINDS

Pixels = NDArray[np.uint8]
OLD = Target("x86-64", vector_bits=128, registers=16, fma=False)


def frame_of(pixels: NDArray[np.generic]) -> bytes | None:
    encoder = RowEncoder(pixels.shape, pixels.dtype)
    encoder.picture[:] = pixels
    return encoder.frame()


def waves(side: int, length: float, channels: int = 3) -> Pixels:
    """Smooth hills, a wave in so many pixels."""
    y, x = np.mgrid[:side, :side] / length * 2 * np.pi
    planes = [np.sin(x + c) * np.cos(0.7 * y - c) + np.sin(0.3 * x + y) for c in range(channels)]
    return np.rint(127.5 + 60 * np.array(planes)).astype(np.uint8)


@st.composite
def pictures(draw: st.DrawFn) -> Pixels:
    """Rows like those above them, or those shifted, with other pixels here and there."""
    channels = draw(st.integers(1, 4))
    height, width = draw(st.integers(60, 150)), draw(st.integers(64, 300))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    shifts = random.choice(draw(st.lists(st.integers(-5, 5), min_size=1)), channels * height)
    steps = random.random(width) < draw(st.floats(0, 0.3))
    first = np.cumsum(steps).astype(np.uint8)
    rows = np.stack([np.roll(first, shift) for shift in shifts])
    changed = random.random(rows.shape) < draw(st.floats(0, 0.01))
    rows[changed] = random.integers(0, 256, changed.sum())
    return rows.reshape(channels, height, width)


@settings(max_examples=40)
@given(pictures())
@example(np.zeros((1, 128, 128), np.uint8))
@example(np.full((3, 80, 80), 7, np.uint8))
def test_zstd_reads_what_was_written(pixels: Pixels) -> None:
    frame = frame_of(pixels)
    assert frame is None or decompress(frame) == pixels.tobytes()


@pytest.mark.parametrize("side", [210, 256, 512])  # one block and a bit, two, six
@pytest.mark.parametrize("length", [12000.0, 30000.0])
def test_smooth_pictures_are_taken_and_come_out_small(side: int, length: float) -> None:
    pixels = waves(side, length)
    frame = frame_of(pixels)
    assert frame is not None
    assert decompress(frame) == pixels.tobytes()
    assert len(frame) < 1.1 * len(compress(pixels, 1)) + 500
    encoder = RowEncoder(pixels.shape, pixels.dtype)
    encoder.picture[:] = pixels
    assert encoder.frame(OLD) == encoder.frame() == frame


def test_matches_and_literals_of_all_lengths_are_written() -> None:
    """Changed pixels in runs of every length up to 300, and one of 30,000."""
    random = np.random.default_rng(3)
    data = np.zeros((4, 512, 512), np.uint8)
    flat, place = data.reshape(-1), 600
    for run in [*range(1, 300, 7), 30_000]:
        flat[place : place + run] = random.integers(1, 255, run)
        place += run + int(random.integers(5, 12_000))
    assert place < flat.size
    frame = frame_of(data)
    assert frame is None or decompress(frame) == data.tobytes()
    flat[600 + 43 :] = 0
    frame = frame_of(data)
    assert frame is not None
    assert decompress(frame) == data.tobytes()


def test_an_encoder_keeps_nothing_of_the_picture_before() -> None:
    encoder = RowEncoder((3, 128, 128), np.dtype("uint8"))
    frames = []
    for pixels in (waves(128, 900.0), noise((3, 128, 128), "uint8"), waves(128, 900.0)):
        encoder.picture[:] = pixels
        frames.append(encoder.frame())
    assert frames[0] == frames[2] == frame_of(waves(128, 900.0))


def test_busy_pictures_are_left_to_the_library() -> None:
    random = np.random.default_rng(0)
    assert frame_of(random.integers(0, 256, (3, 256, 256), np.uint8)) is None
    assert frame_of(waves(256, 40.0) ^ random.integers(0, 2, (3, 256, 256), np.uint8)) is None
    assert frame_of(np.zeros((3, 128, 128), np.uint16)) is None
    assert frame_of(np.zeros((3, 64, 64), np.uint8)) is None  # small


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd command")
def test_the_zstd_command_reads_frames() -> None:
    pixels = waves(512, 9000.0)
    frame = frame_of(pixels)
    assert frame is not None
    done = subprocess.run(["zstd", "-dc"], input=frame, capture_output=True, check=True)
    assert done.stdout == pixels.tobytes()
    assert len(pixels.tobytes()) > 5 * BLOCK


# The codes


@pytest.mark.parametrize("code", [kind.code for kind in KINDS])
def test_states_and_steps_are_those_of_a_code(code: Code) -> None:
    """Each symbol has as many states as its share, and a step leads from each to one of them."""
    size, states = 1 << code.log, code.states.tolist()
    assert sorted(states) == list(range(size, 2 * size))
    reached: set[int] = set()
    for symbol, (a, b) in enumerate(code.steps.tolist()):
        own = {states[(state >> (state + a >> 16)) + b] for state in range(size, 2 * size)}
        assert len(own) == code.shares[symbol]
        assert not own & reached
        reached |= own
