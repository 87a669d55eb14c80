"""The distance at which a block of a smooth picture repeats itself best.

Where a picture changes slowly, its contours are straight for a while: so many rows above and pixels
to the side it looks the same. How far contours move from row to row is looked for one row above,
then finer at 4 and 16 rows, in samples; then each number of rows is tried with its nearest pixel.
"""

from tilecppn.kernels.llvm.codegen import ArrayOf, Function, Module, Value
from tilecppn.kernels.llvm.codegen.values import I8, I64

ROWS = 16  # above, at most
STEPS = ((1, 24), (4, 2), (ROWS, 2))  # rows, and pixels to either side of what was found before
FARTHEST = STEPS[0][1] * ROWS + 64  # bytes beyond that many rows
LONGEST = 1024  # bytes of a sample
SAMPLES = 8  # of a block
VECTOR = 64  # bytes


def direction(module: Module) -> Function:
    """The best distance: a row's length where no other is better."""
    compare = _compare(module)
    f = module.function(
        "direction",
        data=ArrayOf(I8), start=I64, end=I64,  # of the block
        row=I64,  # bytes, VECTOR at least
        apart=I64,  # bytes from a sample to the next
        best=ArrayOf(I64),  # the distance, then memory for two numbers
    )  # fmt: skip
    data, row, best = f.array("data"), f["row"], f.array("best")
    first = f["start"].at_least(row * ROWS + FARTHEST)

    def compared(distance: Value, result: int, times: int = 1) -> Value:
        """Bytes (0) or runs of them (1) that differ from those at a distance."""
        f.call(
            compare, data, first, f["end"], row, f["apart"] * times, distance, best.at(1)
        )  # fmt: skip
        return best.load(1 + result)

    best.store(row)
    least, shift, found = (f.variable(f.integer(0)) for _ in range(3))
    runs = compared(row, 1)
    with f.when(runs > 0):
        before = 1
        for rows, span in STEPS:
            centre = shift.value * (rows // before)
            least.set(f.integer(1 << 32))
            with f.loop(f.integer(2 * span + 1)) as i:
                half = (i + 1) >> 1
                by = centre + ((i & 1) > 0).where(half, -half)  # the nearest first
                differ = compared(row * rows + by, 0, times=2)
                with f.when(differ < least.value):
                    least.set(differ)
                    found.set(by)
            shift.set(found.value)
            before = rows
        least.set(runs)
        with f.loop(f.integer(ROWS + 1), start=1) as rows_above:
            positive = shift.value * rows_above + ROWS // 2 + (FARTHEST * ROWS)
            distance = row * rows_above + (positive >> ROWS.bit_length() - 1) - FARTHEST
            number = compared(distance, 1)
            with f.when(number < least.value):
                least.set(number)
                best.store(distance)
    f.end()
    return f


def _compare(module: Module) -> Function:
    """How many bytes of samples differ from those at a distance, and in how many runs."""
    f = module.function(
        "compare",
        data=ArrayOf(I8), first=I64, end=I64, row=I64, apart=I64, distance=I64,
        result=ArrayOf(I64),
    )  # fmt: skip
    count, runs = f.variable(f.integer(0)), f.variable(f.integer(0))
    size = f["row"].at_most(LONGEST) - (VECTOR - 1)
    place = f.variable(f["first"])
    with f.loop_while(lambda: place.value + f["row"] <= f["end"]):
        with f.loop(size, step=VECTOR) as i:
            here = f.array("data").at(place.value + i)
            equal = here.load(0, VECTOR).equals(here.at(-f["distance"]).load(0, VECTOR)).mask()
            other = equal ^ -1
            count.set(count.value + other.ones())
            runs.set(runs.value + (other & (other << 1 ^ -1)).ones())
        place.set(place.value + f["apart"])
    f.array("result").store(count.value)
    f.array("result").store(runs.value, 1)
    f.end()
    return f
