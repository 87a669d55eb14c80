"""Huffman codes of Deflate (RFC 1951, 3.2.2), as functions of machine code.

A code is a word: its bits, as they are written from the lowest on, and in the lowest byte their
number.
"""

from tilecppn.kernels.llvm.codegen import ArrayOf, Function, Module, Value
from tilecppn.kernels.llvm.codegen.values import I64

LONGEST = 12  # bits of a code, of 15 that are allowed
PASSES = 2
WHOLE = 1 << LONGEST  # how many codes of that length there are


def joined(first: Value, second: Value) -> Value:
    """Two words as one, of up to 56 bits."""
    count = first & 255
    bits = (first >> 8) | ((second >> 8) << count)
    return (bits << 8) | (count + (second & 255))


def lengths(module: Module) -> Function:
    """Bits of the codes of symbols, two or more of which come up; 0 of those that do not.

    Shannon's lengths, rounded up, and then shorter as long as codes are left: frequent symbols
    come first in Deflate's order, so that PASSES come within 1 % of Huffman's own lengths on tiles
    of pictures. A last one, from the longest lengths down, uses up what is left, as decoders
    demand: it is always a multiple of what one code of the longest length takes.
    """
    f = module.function("lengths", counts=ArrayOf(I64), symbols=I64, lengths=ArrayOf(I64))
    counts, lengths = f.array("counts"), f.array("lengths")
    whole, total = f.integer(WHOLE), f.variable(f.integer(0))
    with f.loop(f["symbols"]) as symbol:
        total.set(total.value + counts.load(symbol))
    # Counts are so many at least that no code is longer than LONGEST, for up to WHOLE / 2 symbols.
    least = (total.value >> (LONGEST - 1)) + 1
    total.set(f.integer(0))
    with f.loop(f["symbols"]) as symbol:
        number = counts.load(symbol)
        counts.store((number > 0).where(number.at_least(least), number), symbol)
        total.set(total.value + counts.load(symbol))
    left, bits = f.variable(whole), f.variable(f.integer(0))
    with f.loop(f["symbols"]) as symbol:
        bits.set(f.integer(0))
        number = counts.load(symbol)
        with f.when(number > 0):
            bits.set(f.integer(1))
            with f.loop_while(lambda: (number << bits.value) < total.value):
                bits.set(bits.value + 1)
            left.set(left.value - (whole >> bits.value))
        lengths.store(bits.value, symbol)

    def shorten(symbol: Value, condition: Value) -> None:
        cost = whole >> lengths.load(symbol)
        with f.when(condition & (cost <= left.value)):
            left.set(left.value - cost)
            lengths.store(lengths.load(symbol) - 1, symbol)

    with f.loop(f.integer(PASSES)), f.loop(f["symbols"]) as symbol:
        shorten(symbol, lengths.load(symbol) > 1)
    with f.loop(f.integer(LONGEST - 1)) as step, f.loop(f["symbols"]) as symbol:
        shorten(symbol, lengths.load(symbol).equals(f.integer(LONGEST) - step))
    f.end()
    return f


def codes(module: Module) -> Function:
    """Canonical codes: in the order of their lengths, then of their symbols; 0 for length 0."""
    f = module.function("codes", lengths=ArrayOf(I64), symbols=I64, codes=ArrayOf(I64))
    lengths, codes = f.array("lengths"), f.array("codes")
    with f.loop(f["symbols"]) as symbol:
        codes.store(f.integer(0), symbol)
    code = f.variable(f.integer(0))  # its first bit is the highest of LONGEST
    with (
        f.loop(f.integer(LONGEST + 1), start=1) as length,
        f.loop(f["symbols"]) as symbol,
        f.when(lengths.load(symbol).equals(length)),
    ):
        bits = (code.value << (64 - LONGEST)).reversed_bits()
        codes.store((bits << 8) | length, symbol)
        code.set(code.value + (f.integer(WHOLE) >> length))
    f.end()
    return f
