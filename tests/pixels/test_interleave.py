"""Planes → filtered rows of a PNG, and differences of a TIFF, against plain NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.pixels.interleave import differences, filtered, interleaved

LAWS = settings(max_examples=80)


def plain(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Big-endian bytes of the rows; the first less its left neighbours, others less the above."""
    channels, height, _ = pixels.shape
    big = np.ascontiguousarray(np.moveaxis(pixels, 0, -1)).astype(pixels.dtype.newbyteorder(">"))
    rows = big.view(np.uint8).reshape(height, -1)
    out = np.zeros((height, rows.shape[1] + 1), np.uint8)
    out[0, 0], out[1:, 0] = 1, 2
    out[0, 1:] = rows[0]
    step = channels * pixels.itemsize
    out[0, 1 + step :] -= rows[0, :-step]
    out[1:, 1:] = rows[1:] - rows[:-1]
    return out


def from_the_left(pixels: NDArray[Any]) -> NDArray[Any]:
    out = np.moveaxis(pixels, 0, -1).copy()
    out[:, 1:] -= out[:, :-1].copy()  # modulo 2^bits
    return out


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_size_agrees_with_numpy(channels: int, dtype: type) -> None:
    @LAWS
    @given(st.integers(1, 40), st.integers(1, 80), st.integers(0, 2**32 - 1))
    @example(1, 1, 0)
    @example(1, 17, 0)
    @example(17, 1, 0)
    @example(9, 64, 0)
    @example(9, 32, 0)
    @example(9, 33, 0)
    @example(9, 65, 0)
    @example(512, 512, 0)
    def law(height: int, width: int, seed: int) -> None:
        random = np.random.default_rng(seed)
        full = np.iinfo(dtype).max
        pixels = random.integers(0, full, (channels, height, width), dtype, endpoint=True)
        before = pixels.copy()
        assert np.array_equal(interleaved(pixels), np.moveaxis(pixels, 0, -1))
        assert np.array_equal(filtered(pixels), plain(pixels))
        assert np.array_equal(differences(pixels), from_the_left(pixels))
        assert np.array_equal(pixels, before)

    law()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "view",
    [
        lambda p: p[:, 3:20, 5:38],
        lambda p: p[:, ::2],
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
        lambda p: p[:, :, ::2],  # rows not contiguous
        lambda p: p[:, :, ::-1],
        lambda p: p.swapaxes(1, 2),
        lambda p: np.moveaxis(np.ascontiguousarray(np.moveaxis(p, 0, -1)), -1, 0),
        lambda p: np.broadcast_to(p[:1], p.shape),
        lambda p: p[:, 9:10, 9:10],
    ],
)
def test_views_give_what_their_copies_give(view: Any, dtype: type) -> None:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (3, 40, 50), dtype)
    assert np.array_equal(filtered(view(pixels)), plain(view(pixels)))
    assert np.array_equal(differences(view(pixels)), from_the_left(view(pixels)))
    assert np.array_equal(interleaved(view(pixels)), np.moveaxis(view(pixels), 0, -1))
