"""Huffman codes of Deflate (RFC 1951, 3.2.2), generated as machine code.

A code is one word: its bits, in the order in which they are written, above a lowest byte that holds
their number.
"""

from tilecppn.codegen import ArrayOf, Function, Module, Value
from tilecppn.codegen.values import I64

LONGEST = 12  # most bits of a code; Deflate allows 15
PASSES = 2
WHOLE = 1 << LONGEST  # the number of codes of that length


def joined(first: Value, second: Value) -> Value:
    """Return the concatenation of two codes, of up to 56 bits in all."""
    count = first & 255
    bits = (first >> 8) | ((second >> 8) << count)
    return (bits << 8) | (count + (second & 255))


def lengths(module: Module) -> Function:
    """Compute code lengths for symbols, at least two of which occur; 0 for those that do not.

    They start as Shannon's lengths, rounded up, and are shortened while codes are left, symbols
    that come first in Deflate's order first: within PASSES this is within 1 % of Huffman's lengths
    on picture tiles. A last pass, from the longest lengths down, uses up all remaining codes, as
    decoders require; what remains is always a multiple of one code of the longest length.
    """
    f = module.function("lengths", counts=ArrayOf(I64), symbols=I64, lengths=ArrayOf(I64))
    counts, lengths = f.array("counts"), f.array("lengths")
    whole, total = f.integer(WHOLE), f.variable(f.integer(0))
    with f.loop(f["symbols"]) as symbol:
        total.set(total.value + counts.load(symbol))
    # Counts are raised so that no code is longer than LONGEST, for up to WHOLE / 2 symbols.
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
    """Compute canonical codes, ordered by length and then symbol; 0 for length 0."""
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
