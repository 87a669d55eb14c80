"""The sequences of a Zstandard block (RFC 8878, 3.1.1.3.2), written by codes that are fixed."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.kernels.llvm.codegen import (
    Array,
    ArrayOf,
    BitWriter,
    Function,
    Module,
    Value,
    Variable,
)
from tilecppn.kernels.llvm.codegen.values import I8, I32, I64
from tilecppn.storage.fse import Code

TOKEN = 3  # numbers of a sequence, in the order of KINDS
COLUMNS = 4  # numbers of a row of a kind's table
POWERS = 17  # numbers are below 2 to it
TOLD, SAME = 0b10101000, 0b11111100  # modes: three codes described here; those of the block before


class Kind(NamedTuple):
    """How numbers are written: a symbol for some of them, then bits that say which of those.

    There is a row of `table` for each number below `exact`, and then for each power of 2.
    """

    code: Code
    least: int  # the first symbol's number
    exact: int
    extra: list[int]  # bits that follow each symbol
    begin: int  # where in TABLES its table is, with the code's states behind

    @property
    def table(self) -> NDArray[np.int64]:
        """(rows, COLUMNS): bits that follow, a and b of the code's step, and where it begins.

        Sequences are written from the last on: its states are the first of their symbols.
        """
        powers = [self.exact << n for n in range(POWERS - self.exact.bit_length() + 1)]
        many = 1 << np.array(self.extra)
        first = np.cumsum(many) - many + self.least
        symbols = np.searchsorted(first, [*range(self.exact), *powers], side="right") - 1
        step = self.code.steps[symbols]
        begin = step[:, 1] + np.array(self.code.shares)[symbols]
        return np.column_stack([np.array(self.extra)[symbols], step, begin])

    def row(self, tables: Array, number: Value) -> Array:
        """A number's row."""
        shift = 63 + self.exact - (self.exact.bit_length() - 1)
        power = shift - (number | 1).leading_zeros()
        row = (number < self.exact).where(number, power)
        return tables.at(row * COLUMNS + self.begin)

    def states(self, tables: Array) -> Array:
        """The states of its code."""
        return tables.at(self.begin + self.table.size)


# The shares are those of 96 tiles of 512² of the default network at 32,768² and 16,384².
_DISTANCES = Code((218, 17, 1, 1, 1, 1, 1, 1, 1, 6, 2, *(1,) * 6))
_SHORT = (1, 4, 3, 6, 4, 6, 5, 7, 4, 7, 5, 5, 5, 6, 5, 6, 5, 6, 5, 4, 5, 6, 5, 5, 5, 5, 5, 6, 6, 6)
_MATCHES = Code((*_SHORT, 5, 6, 11, 9, 9, 8, 16, 16, 30, 25, 37, 27, 42, 57, 50, 4, *(1,) * 7))
_LITERALS = Code((56, 165, 2, *(1,) * 33))
DISTANCE, MATCH, LITERALS = KINDS = (
    Kind(_DISTANCES, 1, 1, list(range(17)), 0),
    Kind(_MATCHES, 0, 128, [0] * 32 + [1] * 4 + [2, 2, 3, 3, 4, 4, 5, *range(7, 17)], 1 << 9),
    Kind(_LITERALS, 0, 64, [0] * 16 + [1] * 4 + [2, 2, 3, 3, 4, *range(6, 17)], 1 << 11),
)
DESCRIPTION = b"".join(kind.code.description for kind in (LITERALS, DISTANCE, MATCH))


def _tables() -> NDArray[np.int64]:
    tables = np.zeros(1 << 12, np.int64)
    for kind in KINDS:
        numbers = np.append(kind.table, kind.code.states)
        tables[kind.begin : kind.begin + numbers.size] = numbers
    return tables


TABLES = _tables()


def sequences(module: Module) -> Function:
    """A block's section of sequences, from tokens."""
    f = module.function(
        "sequences",
        tables=ArrayOf(I64),  # TABLES
        description=ArrayOf(I8),
        told=I64,  # bytes of the description; 0 if an earlier block had it
        # (count, TOKEN): the distance as RFC 8878 numbers it, bytes of the match less 3, literals
        tokens=ArrayOf(I32),
        count=I64,  # one or more, below 0x7F00
        out=ArrayOf(I8),
        written=ArrayOf(I64),  # bytes
    )  # fmt: skip
    out, told, last = f.array("out"), f["told"], f["count"] - 1
    modes = (told > 0).where(f.integer(TOLD), f.integer(SAME))
    store_bytes(out, (f["count"] >> 8) + 128, f["count"], modes)
    with f.loop(told) as i:
        out.store(f.array("description").load(i), i + 3)
    bits = BitWriter.at(f, out, told + 3)
    states = [f.variable(f.integer(0)) for _ in KINDS]
    _write(f, bits, states, last, first=True)
    with f.loop(last) as i:
        _write(f, bits, states, last - 1 - i)
    for kind in (MATCH, DISTANCE, LITERALS):
        state = states[KINDS.index(kind)].value
        bits.put(_lowest(state, f.integer(kind.code.log)), kind.code.log)
    bits.put(f.integer(1), 1)  # the end, up to a whole byte
    f.array("written").store(bits.position.value + ((bits.filled.value + 7) >> 3))
    f.end()
    return f


def _write(
    f: Function, bits: BitWriter, states: list[Variable], token: Value, *, first: bool = False
) -> None:
    """A token: the steps from the states of the one behind it, and what follows its symbols."""
    tables, numbers = f.array("tables"), f.array("tokens").at(token * TOKEN)
    held, count = f.integer(0), f.integer(0)
    rest = []
    for i, (kind, state) in enumerate(zip(KINDS, states, strict=True)):
        number = numbers.load(i).unsigned(I64)
        row = kind.row(tables, number)
        extra, *step, begin = (row.load(column) for column in range(COLUMNS))
        rest.append((number, extra))
        if first:
            state.set(kind.states(tables).load(begin))
            continue
        wide = (state.value + step[0]) >> 16
        held = held | (_lowest(state.value, wide) << count)
        count = count + wide
        state.set(kind.states(tables).load((state.value >> wide) + step[1]))
    distance, match, literals = rest
    bits.put(held | (_lowest(*literals) << count), count + literals[1])
    bits.put(_lowest(*match) | (_lowest(*distance) << match[1]), match[1] + distance[1])


def _lowest(number: Value, count: Value) -> Value:
    """The lowest bits of a number."""
    return number & ((number.like(1) << count) - 1)


def store_bytes(out: Array, *numbers: Value) -> None:
    """Store the lowest byte of each number, one after the other."""
    for i, number in enumerate(numbers):
        out.store(number.to(I8), i)
