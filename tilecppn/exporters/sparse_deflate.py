"""Deflate of bytes that are mostly 0, as the filtered rows of a smooth picture are (RFC 1951).

Such bytes are runs of zeros with something else between them. A run is written as a zero and a
match with it, one byte back; no other match is looked for. The Huffman codes are the data's own.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.huffman import codes, joined, lengths
from tilecppn.kernels.llvm.codegen import (
    Array,
    ArrayOf,
    Function,
    Module,
    Value,
    Variable,
    machine_code,
)
from tilecppn.kernels.llvm.codegen.values import I8, I32, I64

SPARSE = 8  # one byte in so many may be other than 0
VECTOR = 64  # bytes compared with 0 at a time
LONGEST_RUN = 258  # a zero and a match of 257; longer runs are cut
END = 256  # the symbol after all; as a token's literal it stands for none
SYMBOLS = 286  # literals, END, and lengths of matches
# Bits of the codes in which lengths are written: of 0, which most symbols have, and 1 to LONGEST.
OF_LENGTHS = (1, 5, 5, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5)
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # as they are told
DISTANCES = 2  # codes, of a bit each; the first is for 1 byte
ONE_BACK = 1  # its word
MODULUS = 65521  # of Adler-32


class Deflated(NamedTuple):
    """A block that is not the last one, and a sync flush; the Adler-32 of what went in."""

    data: bytes
    adler: int


def deflated(data: NDArray[np.uint8]) -> Deflated | None:
    """Contiguous bytes deflated; None where this is not the way: for a few, or if many are not 0.

    The same bytes on every machine.
    """
    if data.size < VECTOR:
        return None
    limit = data.size // SPARSE
    if np.count_nonzero(data[: len(data) // 2]) > limit:
        return None  # a glance at half of it costs less than to begin
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
    """(4, LONGEST_RUN + 1): zeros, symbol, extra bits and their number, for each run.

    Runs of up to three zeros are written as such and have SYMBOLS for their symbol, which is none.
    """
    rows = [(run, SYMBOLS, 0, 0) for run in range(4)]
    first, symbol, wide = 3, 257, 0  # symbols stand for 2^wide lengths from `first` on
    for length in range(3, LONGEST_RUN):
        if length == first + (1 << wide):
            first, symbol = length, symbol + 1
            wide += symbol >= 265 and symbol % 4 == 1
        rows.append((1, symbol, length - first, wide))
    return np.array(rows).T.copy()


def _header() -> list[tuple[int, int]]:
    """Bits and their number: a block that is not the last, with codes of its own."""
    told = [(OF_LENGTHS[i] if i < len(OF_LENGTHS) else 0, 3) for i in ORDER]
    return [(0, 1), (2, 2), (SYMBOLS - 257, 5), (DISTANCES - 1, 5), (len(ORDER) - 4, 4), *told]


TABLE = np.append(_runs(), OF_LENGTHS)
SLOT = SYMBOLS + 1  # numbers of an array in the scratch memory


class _Output(NamedTuple):
    """Bits on their way to memory, the lowest first."""

    bytes: Array
    position: Variable
    held: Variable  # bits that are no whole byte yet
    filled: Variable  # their number, below 8

    def put(self, word: Value) -> None:
        held = self.held.value | ((word >> 8) << self.filled.value)
        filled = self.filled.value + (word & 255)
        self.bytes.at(self.position.value).store(held)
        self.position.set(self.position.value + (filled >> 3))
        self.held.set(held >> (filled & ~7))
        self.filled.set(filled & 7)


def _rows_of(table: Array) -> list[Array]:
    """The four rows of `_runs`."""
    return [table.at(row * (LONGEST_RUN + 1)) for row in range(4)]


@machine_code
def _compiled() -> Module:
    module = Module()
    find, measure, encode = _tokens(module), lengths(module), codes(module)
    spell, write = _words(module), _write(module)
    f = module.function(
        "deflate",
        data=ArrayOf(I8), size=I64,
        limit=I64,  # of bytes that are not 0
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
    """Count the symbols of runs, beside the literals."""
    counts.store(f.integer(1), END)
    zeros, symbols, _, _ = _rows_of(table)
    with f.loop(f.integer(LONGEST_RUN + 1)) as run:
        number = runs.load(run)
        counts.store(counts.load() + number * zeros.load(run))
        counts.store(counts.load(symbols.load(run)) + number, symbols.load(run))


def _tokens(module: Module) -> Function:
    """Find the runs, each with the literal behind it, and count both."""
    f = module.function(
        "tokens",
        data=ArrayOf(I8), size=I64, limit=I64,
        tokens=ArrayOf(I32),  # run · 2^16 + literal
        counts=ArrayOf(I64),  # of literals; 0 for the other symbols
        runs=ArrayOf(I64),
        # Tokens, above the limit not all of them; and the sums that Adler-32 is made of: of the
        # bytes, and of each as often as it counts, which is once more for each byte behind it.
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
        here = start.value.at_most(f["size"] - VECTOR)  # the last vector lies over seen bytes
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
    """What stands for a run: its zeros, and for a match length, extra bits and distance."""
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
    """The block's header, its tokens, its end, and the flush: an empty block of stored bytes."""
    f = module.function(
        "write",
        tokens=ArrayOf(I32), found=I64,
        lengths=ArrayOf(I64),
        of_lengths=ArrayOf(I64),  # words of lengths
        codes=ArrayOf(I64),  # words of symbols
        words=ArrayOf(I64),  # of runs
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
    codes.store(f.integer(0), END)  # no literal
    with f.loop(f["found"]) as token:
        both = f.array("tokens").load(token).unsigned(I64)
        out.put(joined(f.array("words").load(both >> 16), codes.load(both & 0xFFFF)))
    out.put(end)
    out.put(f.integer(3))  # a block that is not the last, stored
    out.put((f.integer(8) - filled.value) & 7)
    out.put(f.integer(0xFFFF0000 << 8 | 32))
    f.array("written").store(position.value)
    f.end()
    return f
