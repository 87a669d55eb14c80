"""Deflate for data that is mostly 0, like the filtered rows of a smooth picture (RFC 1951).

Such data is runs of zeros with other bytes in between. A run is written as a zero and a match at
distance one; no other matches are searched for. The Huffman codes are computed for the data.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.codegen import (
    Array,
    ArrayOf,
    Function,
    Module,
    Value,
    Variable,
    machine_code,
)
from tilecppn.codegen.values import I8, I32, I64
from tilecppn.exporters.encoding.huffman import codes, joined, lengths

SPARSE = 8  # at most one byte in this many may be nonzero
VECTOR = 64  # bytes compared with 0 at a time
LONGEST_RUN = 258  # a zero and a match of 257; longer runs are split
END = 256  # the end-of-block symbol; as a token's literal it stands for none
SYMBOLS = 286  # literals, END, and match lengths
# Code lengths for transmitting lengths: of 0, which most symbols have, and 1 to LONGEST.
OF_LENGTHS = (1, 5, 5, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5)
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # as transmitted
DISTANCES = 2  # distance codes, of one bit each; the first is for distance 1
ONE_BACK = 1  # the code of distance 1
MODULUS = 65521  # of Adler-32


class Deflated(NamedTuple):
    """A block that is not the last one, with a sync flush, and the Adler-32 of the input."""

    data: bytes
    adler: int


def deflated(data: NDArray[np.uint8]) -> Deflated | None:
    """Compress contiguous bytes; None for unsuitable data: too short, or too many nonzero bytes.

    The result is the same on every machine.
    """
    if data.size < VECTOR:
        return None
    limit = data.size // SPARSE
    if np.count_nonzero(data[: len(data) // 2]) > limit:
        return None  # looking at half of the data is cheaper than starting
    tokens = np.empty(limit + VECTOR + data.size // LONGEST_RUN + 1, np.uint32)
    out = np.empty(6 * tokens.size + 512, np.uint8)
    scratch = np.empty(6 * SLOT, np.int64)
    result = np.empty(3, np.int64)
    _compiled()["deflate"](data, data.size, limit, TABLE, tokens, scratch, out, result)
    size, low, high = result.tolist()
    if not size:
        return None
    adler = (high + data.size) % MODULUS << 16 | (low + 1) % MODULUS
    return Deflated(out[:size].tobytes(), adler)


def _runs() -> NDArray[np.int64]:
    """Return (4, LONGEST_RUN + 1): literal zeros, symbol, extra bits and their number, for each
    run.

    Runs of up to three zeros are written as literals; their symbol SYMBOLS means none.
    """
    rows = [(run, SYMBOLS, 0, 0) for run in range(4)]
    first, symbol, wide = 3, 257, 0  # each symbol stands for 2^wide lengths from `first` on
    for length in range(3, LONGEST_RUN):
        if length == first + (1 << wide):
            first, symbol = length, symbol + 1
            wide += symbol >= 265 and symbol % 4 == 1
        rows.append((1, symbol, length - first, wide))
    return np.array(rows).T.copy()


def _header() -> list[tuple[int, int]]:
    """Return (bits, count) of a block header: not the last block, dynamic Huffman codes."""
    told = [(OF_LENGTHS[i] if i < len(OF_LENGTHS) else 0, 3) for i in ORDER]
    return [(0, 1), (2, 2), (SYMBOLS - 257, 5), (DISTANCES - 1, 5), (len(ORDER) - 4, 4), *told]


TABLE = np.append(_runs(), OF_LENGTHS)
SLOT = SYMBOLS + 1  # numbers per array in the scratch memory


class _Output(NamedTuple):
    """A bit stream written to memory, lowest bits first."""

    bytes: Array
    position: Variable
    held: Variable  # bits of an incomplete byte
    filled: Variable  # their number, below 8

    def put(self, word: Value) -> None:
        held = self.held.value | ((word >> 8) << self.filled.value)
        filled = self.filled.value + (word & 255)
        self.bytes.at(self.position.value).store(held)
        self.position.set(self.position.value + (filled >> 3))
        self.held.set(held >> (filled & ~7))
        self.filled.set(filled & 7)


def _rows_of(table: Array) -> list[Array]:
    """Return the four rows of `_runs`."""
    return [table.at(row * (LONGEST_RUN + 1)) for row in range(4)]


@machine_code
def _compiled() -> Module:
    module = Module()
    find, measure, encode = _tokens(module), lengths(module), codes(module)
    spell, write = _words(module), _write(module)
    f = module.function(
        "deflate",
        data=ArrayOf(I8), size=I64,
        limit=I64,  # most nonzero bytes
        table=ArrayOf(I64),  # TABLE
        tokens=ArrayOf(I32), scratch=ArrayOf(I64), out=ArrayOf(I8),
        result=ArrayOf(I64),  # bytes written, or 0 for too many tokens; and the sums of `_tokens`
    )  # fmt: skip
    slots = (f.array("scratch").at(slot * SLOT) for slot in range(6))
    count, runs, length, code, word, of_length = slots
    tokens, table, result = f.array("tokens"), f.array("table"), f.array("result")
    f.call(find, f.array("data"), f["size"], f["limit"], tokens, count, runs, result)
    found = result.load()
    result.store(f.integer(0))
    with f.when(found <= f["limit"]):
        _count(f, table, runs, count)
        f.call(measure, count, f.integer(SYMBOLS), length)
        f.call(encode, length, f.integer(SYMBOLS), code)
        f.call(encode, table.at(4 * (LONGEST_RUN + 1)), f.integer(len(OF_LENGTHS)), of_length)
        f.call(spell, table, code, word)
        f.call(write, tokens, found, length, of_length, code, word, f.array("out"), result)
    f.end()
    return module


def _count(f: Function, table: Array, runs: Array, counts: Array) -> None:
    """Count the symbols of runs, in addition to the literals."""
    counts.store(f.integer(1), END)
    zeros, symbols, _, _ = _rows_of(table)
    with f.loop(f.integer(LONGEST_RUN + 1)) as run:
        number = runs.load(run)
        counts.store(counts.load() + number * zeros.load(run))
        counts.store(counts.load(symbols.load(run)) + number, symbols.load(run))


def _tokens(module: Module) -> Function:
    """Find the runs, each with the literal that follows, and count both."""
    f = module.function(
        "tokens",
        data=ArrayOf(I8), size=I64, limit=I64,
        tokens=ArrayOf(I32),  # run · 2^16 + literal
        counts=ArrayOf(I64),  # of literals; 0 for other symbols
        runs=ArrayOf(I64),
        # Tokens, not all of them above the limit, and the sums for Adler-32: of the bytes, and of
        # the bytes weighted by the number of bytes from each to the end.
        found=ArrayOf(I64),
    )  # fmt: skip
    with f.loop(f.integer(SLOT)) as slot:
        f.array("counts").store(f.integer(0), slot)
        f.array("runs").store(f.integer(0), slot)
    variables = (f.variable(f.integer(0)) for _ in range(7))
    found, low, high, start, after, rest, run = variables

    def add(run: Value, literal: Value) -> None:
        f.array("tokens").store(((run << 16) | literal).to(I32), found.value)
        found.set(found.value + 1)
        for counts, index in ((f.array("runs"), run), (f.array("counts"), literal)):
            counts.store(counts.load(index) + 1, index)

    def cut() -> None:
        with f.loop_while(lambda: run.value > LONGEST_RUN):
            add(f.integer(LONGEST_RUN), f.integer(END))
            run.set(run.value - LONGEST_RUN)

    with f.loop_while(lambda: (start.value < f["size"]) & (found.value <= f["limit"])):
        here = start.value.at_most(f["size"] - VECTOR)  # the last may overlap seen bytes
        zeros = f.array("data").load(here, VECTOR).equals(0).mask()
        seen = start.value - here
        rest.set(((zeros ^ -1) >> seen) << seen)
        with f.loop_while(lambda: rest.value.equals(0) ^ 1):
            place = here + rest.value.trailing_zeros()
            rest.set(rest.value & (rest.value - 1))
            run.set(place - after.value)
            after.set(place + 1)
            cut()
            literal = f.array("data").load(place).unsigned(I64)
            low.set(low.value + literal)
            high.set(high.value + literal * (f["size"] - place))
            add(run.value, literal)
        start.set(start.value + VECTOR)
    run.set(f["size"] - after.value)
    with f.when(found.value <= f["limit"]):
        cut()
        add(run.value, f.integer(END))
    for i, number in enumerate((found, low, high)):
        f.array("found").store(number.value, i)
    f.end()
    return f


def _words(module: Module) -> Function:
    """Compute the code of each run: its zeros, and for a match length, extra bits and distance."""
    f = module.function("words", table=ArrayOf(I64), codes=ArrayOf(I64), words=ArrayOf(I64))
    codes, words = f.array("codes"), f.array("words")
    zeros, symbols, extras, widths = _rows_of(f.array("table"))
    word = f.variable(f.integer(0))
    with f.loop(f.integer(LONGEST_RUN + 1)) as run:
        word.set(f.integer(0))
        with f.loop(zeros.load(run)):
            word.set(joined(word.value, codes.load()))
        with f.when(symbols.load(run) < SYMBOLS):
            extra = (extras.load(run) << 8) | widths.load(run)
            match = joined(joined(codes.load(symbols.load(run)), extra), f.integer(ONE_BACK))
            word.set(joined(word.value, match))
        words.store(word.value, run)
    f.end()
    return f


def _write(module: Module) -> Function:
    """Write the block's header, tokens and end, and the flush: an empty stored block."""
    f = module.function(
        "write",
        tokens=ArrayOf(I32), found=I64,
        lengths=ArrayOf(I64),
        of_lengths=ArrayOf(I64),  # codes of lengths
        codes=ArrayOf(I64),  # codes of symbols
        words=ArrayOf(I64),  # codes of runs
        out=ArrayOf(I8),
        written=ArrayOf(I64),  # bytes
    )  # fmt: skip
    position, held, filled = (f.variable(f.integer(0)) for _ in range(3))
    out = _Output(f.array("out"), position, held, filled)
    for number, bits in _header():
        out.put(f.integer(number << 8 | bits))
    with f.loop(f.integer(SYMBOLS)) as symbol:
        out.put(f.array("of_lengths").load(f.array("lengths").load(symbol)))
    for _ in range(DISTANCES):
        out.put(f.array("of_lengths").load(1))
    codes = f.array("codes")
    end = codes.load(END)
    codes.store(f.integer(0), END)  # END as a literal writes nothing
    with f.loop(f["found"]) as token:
        both = f.array("tokens").load(token).unsigned(I64)
        out.put(joined(f.array("words").load(both >> 16), codes.load(both & 0xFFFF)))
    out.put(end)
    out.put(f.integer(3))  # a stored block that is not the last
    out.put((f.integer(8) - filled.value) & 7)
    out.put(f.integer(0xFFFF0000 << 8 | 32))
    f.array("written").store(position.value)
    f.end()
    return f
