"""A CPPN in Triton: one program computes the pixels of a block of points from their indices.

Between the layers values stay on the chip. Points are the rows of matrices (points, units); a
hidden layer's sums are products with the layer's weights on the matrix units, those of the first
layer (x, y, r) and of the output (one or three units) are multiply-adds. Units beyond the
network's width have weights of zero. Points beyond the last are computed and not stored.

Both factors of a product are split into two float16, and only the product of the low halves is
omitted: with sums in float32, that is as exact as float32's own products. A layer is computed in
pieces, PIECE of its units at a time from PIECE of its inputs at a time, so that wide layers fit;
`h` is a tuple of pieces.

Nothing here depends on a point's position in its block, and only `fma` contracts operations (the
kernel is compiled without fusion): equal points give equal bits in any lattice.
"""

import triton
import triton.language as tl

from tilecppn.kernels.triton.activations import constant, dot, to_integer
from tilecppn.kernels.triton.fineness import faded, located_fineness

FIRST_ROWS = constant(4)  # rows of `vectors` for layer 0: weights of x, y and r, and the bias


# An integer that happens to be 1 or a multiple of 16 must not be compiled differently.
INTEGERS = ("points", "rows", "cols", "stride", "units", "down", "across")


@triton.jit(do_not_specialize=INTEGERS)
def network(
    out, sums, vectors, high, low, grid, origins, given, nodes, spline,
    points, rows, cols, stride, units, down, across,
    FIRST: tl.constexpr, FIRST_ENDS: tl.constexpr,
    PATTERN: tl.constexpr, ENDS: tl.constexpr, SOURCES: tl.constexpr,
    REPEATS: tl.constexpr, TAIL: tl.constexpr,
    LAST: tl.constexpr, READ: tl.constexpr, FADES: tl.constexpr,
    RESIDUAL: tl.constexpr, SCALE: tl.constexpr,
    WIDTH: tl.constexpr,
    CHANNELS: tl.constexpr,
    GIVEN: tl.constexpr, TRACED: tl.constexpr, INVERT: tl.constexpr, DITHER: tl.constexpr,
    BLOCK: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Store pixels (CHANNELS, points) of lattices in `out`: uint8, uint16, or float32 colours.

    vectors: (rows, WIDTH) float32. FIRST_ROWS; scale and bias of each hidden layer after the
        first; weights of each channel; the channels' biases; if READ, the weights of each channel
        for each hidden layer in turn, instead of those; if FADES, each layer's are followed by a
        row of its fade: the start, and the offsets of the channels. All layers are
        evaluated, faded or not: conditions around them spill registers.
    high, low: (layers, WIDTH, WIDTH), input by output: weights as float16, and the remainders.
    grid: `points.GRID` in float64. origins: (lattices, 2) int64. rows, cols, stride: of each.
    given: x, y, r (3, points) float32, used instead of the grid if GIVEN.
    nodes, spline, down, across: if FADES, those of `located_fineness`.
    sums: if TRACED, (units of all layers, points) float32; `units` of them in a hidden layer.
    FIRST: the activations of the first layer, each up to its unit in FIRST_ENDS. LAST: that of
        each channel. PATTERN, ENDS: those of the layers between, REPEATS times and then the first
        TAIL of them. SOURCES is only part of the cache's key.
    """
    index = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = index < points
    row, col = pixels(origins, tl.minimum(index, points - 1), rows, cols, stride)
    if GIVEN:
        x = tl.load(given + index, mask=there, other=0.0)
        y = tl.load(given + points + index, mask=there, other=0.0)
        r = tl.load(given + 2 * points + index, mask=there, other=0.0)
    else:
        x, y, r = located(grid, row, col)
    fineness = 0.0
    if FADES:
        last = tl.minimum(index, points - 1)
        fineness = located_fineness(nodes, spline, grid, origins, last, row, col, rows, cols,
                                    down, across)  # fmt: skip

    h = ()
    for p in tl.static_range(0, WIDTH, PIECE):
        unit = p + tl.arange(0, PIECE)
        total = tl.load(vectors + 3 * WIDTH + unit)[None, :]
        total = tl.fma(x[:, None], tl.load(vectors + unit)[None, :], total)
        total = tl.fma(y[:, None], tl.load(vectors + WIDTH + unit)[None, :], total)
        total = tl.fma(r[:, None], tl.load(vectors + 2 * WIDTH + unit)[None, :], total)
        if TRACED:
            trace(sums, total, 0, unit, index, points, units)
        h = h + (activated(total, unit, FIRST, FIRST_ENDS),)
    layers = REPEATS * len(PATTERN) + TAIL
    output = vectors + (FIRST_ROWS + 2 * layers) * WIDTH
    colour = ()
    if READ:
        for c in tl.static_range(CHANNELS):
            start = tl.load(output + CHANNELS * WIDTH + c)
            colour = colour + (tl.zeros([BLOCK], tl.float32) + start,)
        colour = read_out(h, colour, output, 0, fineness, FADES, WIDTH, PIECE)
    for repeat in range(REPEATS):
        for k in tl.static_range(len(PATTERN)):
            layer = repeat * len(PATTERN) + k
            h = hidden(h, vectors, high, low, layer, sums, index, points, units,
                       PATTERN[k], ENDS[k], RESIDUAL, SCALE, WIDTH, PIECE, TRACED)  # fmt: skip
            if READ:
                colour = read_out(h, colour, output, layer + 1, fineness, FADES, WIDTH, PIECE)
    for k in tl.static_range(TAIL):
        layer = REPEATS * len(PATTERN) + k
        h = hidden(h, vectors, high, low, layer, sums, index, points, units,
                   PATTERN[k], ENDS[k], RESIDUAL, SCALE, WIDTH, PIECE, TRACED)  # fmt: skip
        if READ:
            colour = read_out(h, colour, output, layer + 1, fineness, FADES, WIDTH, PIECE)

    for c in tl.static_range(CHANNELS):
        if READ:
            total = colour[c]
        else:
            total = tl.load(output + CHANNELS * WIDTH + c)
            for p in tl.static_range(len(h)):
                weights = tl.load(output + c * WIDTH + p * PIECE + tl.arange(0, PIECE))
                total = tl.sum(h[p] * weights[None, :], axis=1) + total
        place = c * points.to(tl.int64) + index
        if TRACED:
            tl.store(sums + (layers + 1) * units * points.to(tl.int64) + place, total, mask=there)
        value = stored(LAST[c](total), row, col, c, out.dtype.element_ty, INVERT, DITHER)
        tl.store(out + place, value, mask=there)


@triton.jit
def pixels(origins, index, rows, cols, stride):
    """Return the global row and column (int64) of the lattices' points by number."""
    line = index // cols
    lattice = line // rows
    down, across = (line % rows).to(tl.int64), (index % cols).to(tl.int64)
    row = tl.load(origins + 2 * lattice) + down * stride
    col = tl.load(origins + 2 * lattice + 1) + across * stride
    return row, col


@triton.jit
def located(grid, row, col):
    """Return x, y and r of pixels: the formula of `view.Grid` in float64, rounded at the end."""
    u = (col.to(tl.float64) - tl.load(grid + 0)) * tl.load(grid + 2)
    v = (row.to(tl.float64) - tl.load(grid + 1)) * tl.load(grid + 3)
    x = (u * tl.load(grid + 4) + v * tl.load(grid + 5)) + tl.load(grid + 8)
    y = (u * tl.load(grid + 6) + v * tl.load(grid + 7)) + tl.load(grid + 9)
    from_x, from_y = x - tl.load(grid + 10), y - tl.load(grid + 11)
    r = tl.sqrt(from_x * from_x + from_y * from_y)
    return x.to(tl.float32), y.to(tl.float32), r.to(tl.float32)


@triton.jit
def hidden(
    h, vectors, high, low, layer, sums, index, points, units,
    FUNCTIONS: tl.constexpr, ENDS: tl.constexpr, RESIDUAL: tl.constexpr, SCALE: tl.constexpr,
    WIDTH: tl.constexpr,
    PIECE: tl.constexpr, TRACED: tl.constexpr,
):  # fmt: skip
    """Evaluate a hidden layer; `layer` is 0 for the network's second."""
    uppers, lowers, unscale = halves(h, SCALE)
    values = ()
    for p in tl.static_range(len(h)):
        unit = p * PIECE + tl.arange(0, PIECE)
        total = tl.zeros(h[0].shape, tl.float32)
        for k in tl.static_range(len(h)):
            source = k * PIECE + tl.arange(0, PIECE)
            place = (layer * WIDTH + source)[:, None] * WIDTH + unit[None, :]
            weights = tl.load(high + place)
            total = dot(uppers[k], tl.load(low + place), total)
            total = dot(lowers[k], weights, total)
            total = dot(uppers[k], weights, total)
        scale = tl.load(vectors + (FIRST_ROWS + 2 * layer) * WIDTH + unit)
        bias = tl.load(vectors + (FIRST_ROWS + 2 * layer + 1) * WIDTH + unit)
        total = tl.fma(total * unscale, scale[None, :], bias[None, :])
        if TRACED:
            trace(sums, total, (layer + 1) * units, unit, index, points, units)
        value = activated(total, unit, FUNCTIONS, ENDS)
        if RESIDUAL:
            value = h[p] + value
        values = values + (value,)
    return values


@triton.jit
def activated(total, unit, FUNCTIONS: tl.constexpr, ENDS: tl.constexpr):
    """Apply activations to sums (points, units): each of FUNCTIONS up to the unit of its end."""
    value = FUNCTIONS[0](total)
    for k in tl.static_range(1, len(FUNCTIONS)):
        value = tl.where((unit >= ENDS[k - 1])[None, :], FUNCTIONS[k](total), value)
    return value


@triton.jit
def read_out(
    h, colour, output, layer, fineness,
    FADES: tl.constexpr, WIDTH: tl.constexpr, PIECE: tl.constexpr,
):  # fmt: skip
    """Add the readout of hidden layer `layer`, as far as it is left, to the channels' sums."""
    rows: tl.constexpr = len(colour) + 1 if FADES else len(colour)
    first = output + (len(colour) + 1 + layer * rows) * WIDTH
    fade = first + len(colour) * WIDTH
    if FADES:
        share = faded(tl.load(fade), fineness)
    totals = ()
    for c in tl.static_range(len(colour)):
        total = tl.load(fade + 1 + c) if FADES else colour[c]
        for p in tl.static_range(len(h)):
            weights = tl.load(first + c * WIDTH + p * PIECE + tl.arange(0, PIECE))
            total = tl.sum(h[p] * weights[None, :], axis=1) + total
        if FADES:
            total = tl.fma(share, total, colour[c])
        totals = totals + (total,)
    return totals


@triton.jit
def halves(h, SCALE: tl.constexpr):
    """Scale values by a power of two and split them into pairs of float16, 22 bits together.

    Returns them and the inverse factor. The power is SCALE if the values are bounded (its inverse
    is included in `vectors`), else one for each point, from its largest value.
    """
    if SCALE > 0.0:
        scale = SCALE
        unscale = 1.0
    else:
        largest = tl.full([h[0].shape[0]], 2.0**-60, tl.float32)
        for k in tl.static_range(len(h)):
            largest = tl.maximum(largest, tl.max(tl.abs(h[k]), axis=1))
        exponent = largest.to(tl.int32, bitcast=True) >> 23
        scale = ((254 + 14 - exponent) << 23).to(tl.float32, bitcast=True)[:, None]
        unscale = ((exponent - 14) << 23).to(tl.float32, bitcast=True)[:, None]
    uppers = ()
    lowers = ()
    for k in tl.static_range(len(h)):
        scaled = h[k] * scale
        upper = scaled.to(tl.float16)
        uppers = uppers + (upper,)
        lowers = lowers + ((scaled - upper.to(tl.float32)).to(tl.float16),)
    return uppers, lowers, unscale


@triton.jit
def trace(sums, total, first, unit, index, points, units):
    """Store sums (points, units) of a layer whose rows in `sums` begin at `first`."""
    place = (first + unit)[None, :] * points.to(tl.int64) + index[:, None]
    tl.store(sums + place, total, mask=(unit < units)[None, :] & (index < points)[:, None])


@triton.jit
def stored(colour, row, col, channel, ELEMENT: tl.constexpr, INVERT: tl.constexpr,
           DITHER: tl.constexpr):  # fmt: skip
    """Encode a colour with the same operations as `pixels.output_encoder.OutputEncoder.stored`."""
    if INVERT:
        colour = 1.0 - colour
    if ELEMENT == tl.float32:
        value = colour
    else:
        full: tl.constexpr = 65535.0 if ELEMENT == tl.uint16 else 255.0
        colour = tl.where(colour > 0.0, colour, 0.0)  # false for NaN
        scaled = tl.minimum(colour, 1.0) * full
        if DITHER:
            key = hash32(row.to(tl.uint32) + hash32(tl.full([1], channel, tl.uint32)))
            word = hash32(col.to(tl.uint32) + key) >> 8
            noise = word.to(tl.float32) * 2.0**-24 + (2.0**-25 - 0.5)
            scaled = tl.minimum(tl.maximum(scaled + noise, 0.0), full)
        nearest, _ = to_integer(scaled)
        value = nearest.to(tl.int32).to(ELEMENT)
    return value


@triton.jit
def hash32(word):
    """Return the same 32-bit hash as `pixels.output_encoder.hash32`."""
    word = (word ^ (word >> 16)) * 0x7FEB352D
    word = (word ^ (word >> 15)) * 0x846CA68B
    return word ^ (word >> 16)
