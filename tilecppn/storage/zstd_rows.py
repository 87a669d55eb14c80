"""Zstandard frames (RFC 8878) of smooth pictures, whose rows are much like those above them.

A general matcher looks every place up in a hash table. Here a block's best distance is found first
(`zstd_direction.py`). A match is followed at the distance that the last one had, as far as it goes;
there the best one and the two before are tried, and where they are no good those of pixels near the
ones above. Literals are stored as they are, and sequences by codes that are fixed, so that nothing
is counted and no table is built. A picture that is too busy for that is left to the library.
"""

from typing import Any

import numpy as np

from tilecppn.kernels.llvm.codegen import (
    HOST,
    ArrayOf,
    Compiled,
    Function,
    Module,
    Target,
    Value,
    Variable,
    thread_safe_cache,
)
from tilecppn.kernels.llvm.codegen.values import I8, I32, I64
from tilecppn.storage.zstd_direction import SAMPLES, direction
from tilecppn.storage.zstd_sequences import DESCRIPTION, TABLES, TOKEN, sequences, store_bytes

HEAD = bytes.fromhex("28b52ffda0")  # one segment whose size follows in 4 bytes, no checksum
BLOCK = 1 << 17  # bytes of a block at most
VECTOR = 64  # bytes compared at a time in a match
SIZES, ROWS = range(1 << 14, 1 << 31), range(VECTOR, 1 << 12)  # bytes; the codes take 80
LOOK = 32  # bytes compared at a distance that is tried
FIRST = 8  # bytes before the first match: the distances in START are within the frame
START = (1, 4, 8)  # distances before any match
NEAR, ABOVE = 4, 1  # pixels to either side, in so many rows above
SHORTEST = 3  # bytes of a match
BEST, SAME, AGAIN, ANEW = 0, 1, 3, 5  # bytes that distances cost: the best one, the last, …
LEAST, GOOD = 2, 10  # bytes of a match, less its cost: to be taken, and for no others to be tried
SKIP = 1 << 31  # marks a match that begins after a literal
# Work that is allowed at a place: so many bits less than the bytes before it, and some in advance,
# at least and of the whole. To look at a place is one, to try all distances TRIED more.
WORK, IN_ADVANCE, OF_ALL, TRIED = 5, 512, 10, 3
MOST = 0x7000  # work in a block, so that the number of its sequences takes 2 bytes
# Results: bytes of the frame; the last three distances, work; tokens and literals of a block.
SIZE, DISTANCES, DONE, FOUND, LITERALS, DIRECTION = 0, 1, 4, 5, 6, 7


class RowEncoder:
    """Encodes pictures (channels, height, width) of one shape and dtype, one after the other."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self.picture = np.zeros(shape, dtype.newbyteorder("<"))  # to be filled before each `frame`
        size, row = self.picture.nbytes, shape[2]
        # Of 16 bits a pixel the lower ones are noise to whoever looks for matches.
        self._busy = dtype.itemsize > 1 or size not in SIZES or row not in ROWS
        if self._busy:
            return
        memory = np.zeros(size + VECTOR, np.uint8)  # compared in whole vectors
        self.picture = memory[:size].reshape(shape)
        head = HEAD + size.to_bytes(4, "little")
        out = np.empty(2 * size + 1024, np.uint8)
        out[: len(head)] = np.frombuffer(head, np.uint8)
        near = sorted(range(-NEAR, NEAR + 1), key=abs)
        tried = [row * above + by for above in range(1, ABOVE + 1) for by in near]
        distances = np.array([1, *(distance for distance in tried if distance > 1)], np.int64)
        apart = max(1, BLOCK // row // SAMPLES) * row
        tokens = np.empty(TOKEN * (min(size, MOST) + 4), np.int32)
        self._out, self._result = out, np.empty(DIRECTION + 3, np.int64)
        arguments = self._held = (
            memory, size, row, apart, distances, distances.size, TABLES, _DESCRIPTION, tokens,
            out, len(head), self._result,
        )  # fmt: skip
        # Addresses: to ask for them takes a tenth of the time of a tile.
        self._arguments = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]

    def frame(self, target: Target = HOST) -> bytes | None:
        """`picture` as a frame; None if it is too busy. Any target, of a CPU, gives the same."""
        if self._busy:
            return None
        _compiled(target)["frame"](*self._arguments)
        size = int(self._result[SIZE])
        return self._out[:size].tobytes() if size else None


_DESCRIPTION = np.frombuffer(DESCRIPTION, np.uint8)


@thread_safe_cache
def _compiled(target: Target) -> Compiled:
    module = Module()
    turn, find, write = direction(module), _find(module), sequences(module)
    f = module.function(
        "frame",
        data=ArrayOf(I8), size=I64,  # and VECTOR bytes more
        row=I64, apart=I64,  # samples
        tried=ArrayOf(I64), tries=I64,
        tables=ArrayOf(I64), description=ArrayOf(I8),
        tokens=ArrayOf(I32), out=ArrayOf(I8),
        head=I64,  # bytes that are there
        result=ArrayOf(I64),
    )  # fmt: skip
    out, result = f.array("out"), f.array("result")
    position, start, told = (f.variable(f.integer(0)) for _ in range(3))
    position.set(f["head"])
    told.set(f.integer(len(DESCRIPTION)))
    for i, number in enumerate(START):
        result.store(f.integer(number), DISTANCES + i)
    result.store(f.integer(0), DONE)
    with f.loop_while(lambda: start.value < f["size"]):
        end = (start.value + BLOCK).at_most(f["size"])
        block = out.at(position.value)
        done = result.load(DONE)
        advance = (f["size"] >> OF_ALL) + IN_ADVANCE
        f.call(turn, f.array("data"), start.value, end, f["row"], f["apart"], result.at(DIRECTION))
        f.call(
            find, f.array("data"), start.value, end, result.load(DIRECTION), f.array("tried"),
            f["tries"], done + MOST, advance,
            f.array("tokens"), block.at(6), result.at(DISTANCES),
        )  # fmt: skip
        found, literals = result.load(FOUND), result.load(LITERALS)
        busy = f.variable(found < 1)
        with f.when(busy.value ^ 1):
            f.call(
                write, f.array("tables"), f.array("description"), told.value, f.array("tokens"),
                found, block.at(6 + literals), result.at(SIZE),
            )  # fmt: skip
            told.set(f.integer(0))
            size = literals + result.load(SIZE) + 3
            last = end.equals(f["size"]).unsigned(I64)
            header = (size << 3) | 4 | last  # a compressed block
            kind = (literals << 4) | 12  # literals as they are, their number in 20 bits
            store_bytes(block, *(n >> shift for n in (header, kind) for shift in (0, 8, 16)))
            position.set(position.value + 3 + size)
            busy.set(size > end - start.value)
        start.set(busy.value.where(f["size"] + 1, end))
    result.store(start.value.equals(f["size"]).where(position.value, f.integer(0)), SIZE)
    f.end()
    return Compiled(module, target)


def _find(module: Module) -> Function:
    """The matches of a block, and the literals between them."""
    f = module.function(
        "find",
        data=ArrayOf(I8), start=I64, end=I64,
        direction=I64,  # the best distance
        tried=ArrayOf(I64), tries=I64, limit=I64, advance=I64,
        tokens=ArrayOf(I32), literals=ArrayOf(I8),
        state=ArrayOf(I64),  # the last three distances, work; tokens and literals found
    )  # fmt: skip
    data, state, end = f.array("data"), f.array("state"), f["end"]
    last = [f.variable(state.load(i)) for i in range(3)]
    work = f.variable(state.load(DONE - DISTANCES))
    place, found, literals, best, stop = (f.variable(f.integer(0)) for _ in range(5))
    place.set(f["start"].at_least(FIRST))
    anchor = f.variable(f["start"])  # behind the last match

    def other(distance: Value) -> Value:
        """Which bytes from `place` on differ from those at a distance; the bit LOOK is set."""
        here = data.at(place.value)
        equal = here.load(0, LOOK).equals(here.at(-distance).load(0, LOOK))
        return equal.mask().unsigned(I64) ^ -1

    def at_once(other: Value, distance: Value, cost: int) -> Value:
        """A match that begins here: its length less its cost, and what it is in the bits below."""
        return (other.trailing_zeros() << 32) + (distance | (cost << 24) - (cost << 32))

    def later(other: Value, distance: Value, cost: int) -> Value:
        """A match that begins after a literal, likewise."""
        return at_once(other & -2, distance, cost) + (SKIP - (1 << 32))

    def both(distance: Value, cost: int) -> Value:
        differ = other(distance)
        return at_once(differ, distance, cost).at_least(later(differ, distance, cost))

    def allowed() -> Value:
        return ((place.value >> WORK) + f["advance"]).at_most(f["limit"])

    with f.loop_while(lambda: (place.value < end) & (work.value <= allowed())):
        work.set(work.value + 1)
        first = last[0].value
        best.set(later(other(first), first, SAME))
        near = (f["direction"] <= place.value).where(f["direction"], first)
        for distance, cost in ((near, BEST), (last[1].value, AGAIN), (last[2].value, AGAIN)):
            best.set(best.value.at_least(both(distance, cost)))
        with f.when(best.value < GOOD << 32):
            work.set(work.value + TRIED)
            with f.loop(f["tries"]) as number:
                distance = f.array("tried").load(number)
                with f.when(distance <= place.value):
                    best.set(best.value.at_least(both(distance, ANEW)))
        good = best.value > (LEAST << 32) - 1
        skipped = (best.value >> 31) & 1
        length, distance = (best.value >> 32) + ((best.value >> 24) & 127), best.value & 0xFFFFFF
        begin = place.value + skipped
        stop.set(begin + length)
        with f.when(good & (length + skipped).equals(LOOK)):
            _extend(f, stop, distance)
        stop.set(stop.value.at_most(end))
        good = good & (stop.value - begin > SHORTEST - 1)
        place.set(place.value + 1)
        with f.when(good):
            count = begin - anchor.value
            _copy(f, anchor.value, literals.value, count)
            token = f.array("tokens").at(found.value * TOKEN)
            numbers = _number(f, last, distance, count), stop.value - begin - SHORTEST, count
            for i, number in enumerate(numbers):
                token.store(number.to(I32), i)
            literals.set(literals.value + count)
            found.set(found.value + 1)
            anchor.set(stop.value)
            place.set(stop.value)
    rest = end - anchor.value
    _copy(f, anchor.value, literals.value, rest)
    found.set((place.value < end).where(f.integer(0), found.value))  # it is too busy
    for i, variable in enumerate((*last, work, found)):
        state.store(variable.value, i)
    state.store(literals.value + rest, LITERALS - DISTANCES)
    f.end()
    return f


def _extend(f: Function, stop: Variable, distance: Value) -> None:
    """Go on with a match as far as it goes, perhaps beyond the block's end."""
    data = f.array("data")
    equal = f.variable(f.integer(-1))
    with f.loop_while(lambda: equal.value.equals(-1) & (stop.value < f["end"])):
        here = data.at(stop.value)
        equal.set(here.load(0, VECTOR).equals(here.at(-distance).load(0, VECTOR)).mask())
        stop.set(stop.value + VECTOR)  # known before the bytes are
    with f.when(equal.value.equals(-1) ^ 1):
        stop.set(stop.value - VECTOR + (equal.value ^ -1).trailing_zeros())


def _copy(f: Function, begin: Value, into: Value, count: Value) -> None:
    """Copy literals, 16 at a time; what is behind them is overwritten."""
    f.array("literals").store(f.array("data").load(begin, 16), into)
    with f.loop(count, start=16, step=16) as i:
        f.array("literals").store(f.array("data").load(begin + i, 16), into + i)


def _number(f: Function, last: list[Variable], distance: Value, literals: Value) -> Value:
    """A distance as RFC 8878, 3.1.1.5, numbers it; the last three are updated."""
    first, second, third = (variable.value for variable in last)
    none = literals.equals(0)
    less = none.unsigned(I64)
    same = distance.equals(first) & (none ^ 1)
    is_second, is_third = distance.equals(second), distance.equals(third)
    number = is_third.where(3 - less, distance + 3)
    number = same.where(f.integer(1), is_second.where(2 - less, number))
    last[0].set(distance)
    last[1].set(same.where(second, first))
    last[2].set((same | is_second).where(third, second))
    return number
