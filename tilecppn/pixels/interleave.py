"""Converts planes to interleaved channels, as in image files, with the filters of PNG and TIFF."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilecppn.buffers import row_stride
from tilecppn.codegen import ELEMENTS, ArrayOf, Module, machine_code
from tilecppn.codegen.values import I8, I64

SUB, UP = 1, 2  # filter types
WIDE = 64  # bytes of a plane that are interleaved at a time


def interleaved(pixels: NDArray[Any]) -> NDArray[Any]:
    """Convert (channels, height, width) of any dtype to contiguous (height, width, channels)."""
    channels, height, width = pixels.shape
    out = np.empty((height, width, channels), pixels.dtype)
    if pixels.dtype.kind == "u" and width >= WIDE // pixels.itemsize:
        _call("plain", pixels, out)
    else:
        for channel, plane in enumerate(pixels):  # four times as fast as all at once
            out[..., channel] = plane
    return out


def filtered(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Filter uint8 or uint16 (c, h, w) for PNG; return (h, 1 + c·w·itemsize).

    From each row the one above is subtracted, in the first row the left neighbours; a filter type
    precedes each row (https://www.w3.org/TR/png-3/#9Filters).
    """
    channels, height, width = pixels.shape
    size = channels * pixels.itemsize
    if width < WIDE // pixels.itemsize:
        return np.ascontiguousarray(filtered(_widened(pixels))[:, : 1 + size * width])
    out = np.empty((height, 1 + size * width), np.uint8)
    out[0, 0] = SUB
    out[1:, 0] = UP
    # After interleaving, a neighbour is `size` bytes away.
    first = np.ascontiguousarray(pixels[:, 0].T, pixels.dtype.newbyteorder(">")).view(np.uint8)
    row = first.reshape(-1)
    out[0, 1 : 1 + size] = row[:size]
    np.subtract(row[size:], row[:-size], out[0, 1 + size :])
    _call("up", pixels, out[:, 1:])
    return out


def unfiltered(rows: NDArray[np.uint8], channels: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Undo `filtered`, in one piece or several: (h, 1 + c·w·itemsize) → (h, w, c)."""
    data = np.ascontiguousarray(rows[:, 1:])
    for row, kind in enumerate(rows[:, 0]):
        if kind == UP:
            data[row] += data[row - 1]
        else:
            pixels = data[row].reshape(-1, channels * dtype.itemsize)
            data[row] = np.cumsum(pixels, axis=0, dtype=np.uint8).reshape(-1)
    values = data.view(dtype.newbyteorder(">")).astype(dtype, copy=False)
    return values.reshape(len(rows), -1, channels)


def differences(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the horizontal differences (h, w, c) of uint8 or uint16 (c, h, w).

    They are the predictor of TIFF 6.0, section 14.
    """
    channels, height, width = pixels.shape
    if width <= WIDE // pixels.itemsize:
        return np.ascontiguousarray(differences(_widened(pixels))[:, :width])
    out = np.empty((height, width, channels), pixels.dtype)
    out[:, 0] = pixels[:, :, 0].T
    _call("left", pixels, out)
    return out


def _widened(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.pad(pixels, ((0, 0), (0, 0), (0, WIDE)))


def _call(name: str, pixels: NDArray[Any], out: NDArray[Any]) -> None:
    channels, height, width = pixels.shape
    if pixels.strides[2] != pixels.itemsize:
        pixels = np.ascontiguousarray(pixels)
    plane = pixels.strides[0] // pixels.itemsize
    _compiled(name, pixels.dtype, channels)[name](
        pixels, plane, row_stride(pixels), height, width, out, out.strides[0]
    )


@machine_code
def _compiled(name: str, dtype: np.dtype[Any], channels: int) -> Module:
    """Interleave bytes, the high one first, for "up"; else numbers.

    "up" subtracts from each row the one above, "left" from each column its left one, except the
    first.
    """
    module, up, left = Module(), name == "up", name == "left"
    f = module.function(
        name,
        pixels=ArrayOf(ELEMENTS[dtype]),
        plane=I64,  # from channel to channel
        row_stride=I64,  # from row to row
        height=I64,
        width=I64,  # a vector or more, and a column where it is "left"
        out=ArrayOf(I8),
        out_apart=I64,
    )
    lanes = WIDE // dtype.itemsize
    orders = [_order(part, channels, dtype.itemsize, swapped=up) for part in range(channels)]
    with (
        f.loop(f["height"], start=1 if up else 0) as row,
        f.loop(f["width"], start=1 if left else 0, step=lanes) as start,
    ):
        col = start.at_most(f["width"] - lanes)  # the last vector may overlap the one before
        out = f.array("out").at(row * f["out_apart"] + col * (channels * dtype.itemsize))
        planes = []
        for channel in range(channels):
            here = f.array("pixels").at(f["plane"] * channel + row * f["row_stride"] + col)
            value = here.load(0, lanes)
            if up:
                planes.append(value.bytes() - here.at(-f["row_stride"]).load(0, lanes).bytes())
            else:
                planes.append((value - here.load(-1, lanes) if left else value).bytes())
        for part, (picks, *further) in enumerate(orders):
            mixed = planes[0].picked(picks)
            for plane, picks in zip(planes[1:], further, strict=True):
                mixed = mixed.picked(picks, plane)
            out.store(mixed, part * WIDE)
    f.end()
    return module


def _order(part: int, channels: int, itemsize: int, *, swapped: bool) -> list[list[int]]:
    """Return shuffles that make the `part`th WIDE interleaved bytes from WIDE bytes per plane.

    One shuffle per plane, applied to the result so far (indices below WIDE) and the plane (from
    WIDE on); the first has only its plane, and any byte in the others' places. swapped: an
    element's high byte is first, not last.
    """
    orders = []
    for plane in range(channels):
        order = list(range(WIDE))
        for place in range(WIDE):
            element, byte = divmod(part * WIDE + place, itemsize)
            pixel, channel = divmod(element, channels)
            if channel == plane:
                turned = itemsize - 1 - byte if swapped else byte
                order[place] = pixel * itemsize + turned + (WIDE if plane else 0)
        orders.append(order)
    return orders
