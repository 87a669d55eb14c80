"""Which library deflates what."""

import zlib

import numpy as np
import pytest

from tilecppn.exporters.deflate import SMALL, compressed
from tilecppn.exporters.png import encode_png


def noise(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.random.default_rng(size).integers(0, 60, size, np.uint8)


@pytest.mark.parametrize("size", [1, 4160, SMALL])
def test_small_arrays_are_zlibs(size: int) -> None:
    """ISA-L was seen to deflate 4,160 bytes in two ways."""
    assert compressed(noise(size)) == zlib.compress(noise(size).tobytes(), 1)


@pytest.mark.parametrize("size", [SMALL + 1, 10**6])
@pytest.mark.parametrize("effort", [1, 6])
def test_larger_ones_hold_the_same(size: int, effort: int) -> None:
    assert zlib.decompress(compressed(noise(size), effort)) == noise(size).tobytes()


def test_a_small_tile_never_meets_isal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tilecppn.exporters.deflate.deflate", None)
    assert encode_png(noise(64 * 64).reshape(64, 64, 1))
