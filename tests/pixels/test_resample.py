"""A picture at another size, in pieces and whole."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from tilecppn.pixels.resample import resampled
from tilecppn.plan import Window

SIZE = (157, 101)


def picture(dtype: str = "uint16") -> NDArray[Any]:
    values = np.random.default_rng(0).random((3, SIZE[1], SIZE[0]))
    return (values * 65535).astype(dtype) if dtype != "float32" else values.astype(dtype)


def made(pixels: NDArray[Any], size: tuple[int, int], window: Window) -> NDArray[Any]:
    def read(w: Window) -> NDArray[Any]:
        assert 0 <= w.top < w.bottom <= SIZE[1]
        assert 0 <= w.left < w.right <= SIZE[0]
        return pixels[:, w.top : w.bottom, w.left : w.right]

    return resampled(read, SIZE, size, window)


@given(st.data())
def test_pieces_are_those_of_the_whole(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE[0])), data.draw(st.integers(1, SIZE[1]))
    left, top = (data.draw(st.integers(0, side - 1)) for side in size)
    right, bottom = (
        data.draw(st.integers(left + 1, size[0])),
        data.draw(st.integers(top + 1, size[1])),
    )
    pixels = picture("float32")
    whole = made(pixels, size, Window(0, 0, size[1], size[0]))
    part = made(pixels, size, Window(top, left, bottom, right))
    assert np.array_equal(part, whole[:, top:bottom, left:right])


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_it_is_pillow_of_the_whole(dtype: str) -> None:
    pixels = picture(dtype)
    size = (60, 41)
    found = made(pixels, size, Window(0, 0, size[1], size[0])).astype(float)
    for channel, values in zip(found, pixels, strict=True):
        image = Image.fromarray(values.astype(np.float32))
        expected = np.asarray(image.resize(size, Image.Resampling.LANCZOS))
        if dtype == "uint16":
            assert np.abs(channel - np.clip(expected, 0, 65535)).max() < 0.52
        else:
            assert np.allclose(channel, expected, atol=1e-5)


def test_a_flat_picture_stays_flat() -> None:
    flat = np.full((1, SIZE[1], SIZE[0]), 40_000, np.uint16)
    assert (made(flat, (33, 21), Window(0, 0, 21, 33)) == 40_000).all()


def test_its_own_size_is_read_as_it_is() -> None:
    pixels = picture()
    assert np.array_equal(made(pixels, SIZE, Window(3, 4, 50, 60)), pixels[:, 3:50, 4:60])
