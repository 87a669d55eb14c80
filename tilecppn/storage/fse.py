"""Finite State Entropy (RFC 8878, 4.1): a fixed code's tables, and how a frame describes it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Code(NamedTuple):
    """A code of symbols 0, 1, … from their shares: positive integers whose sum is a power of 2."""

    shares: Sequence[int]

    @property
    def log(self) -> int:
        """Bits of a state: the logarithm of the shares' sum."""
        return int(sum(self.shares)).bit_length() - 1

    @property
    def states(self) -> NDArray[np.int64]:
        """What follows on each place of a symbol: `size` and the state that it is written as."""
        size = 1 << self.log
        step, spread = (size >> 1) + (size >> 3) + 3, np.empty(size, np.int64)
        place = np.arange(size) * step % size
        spread[place] = np.repeat(np.arange(len(self.shares)), self.shares)
        return size + np.argsort(spread, kind="stable")

    @property
    def steps(self) -> NDArray[np.int64]:
        """(symbols, 2): a and b by which a state x goes on.

        It writes the lowest n = (x + a) >> 16 of its bits, and the next is states[(x >> n) + b].
        """
        before = np.cumsum(self.shares) - self.shares
        most = [self.log - (share - 1).bit_length() + (share > 1) for share in self.shares]
        least = [share << bits for share, bits in zip(self.shares, most, strict=True)]
        return np.stack([(np.array(most) << 16) - least, before - self.shares], axis=1)

    @property
    def description(self) -> bytes:
        """The code as a frame tells it (4.1.1)."""
        bits, filled = self.log - 5, 4
        left, threshold, width = (1 << self.log) + 1, 1 << self.log, self.log + 1
        for share in self.shares:
            short = 2 * threshold - 1 - left  # values below it take a bit less
            left -= share
            value = share + 1
            if value >= threshold:
                value += short
            bits |= value << filled
            filled += width - (value < short)
            while left < threshold:
                width, threshold = width - 1, threshold >> 1
        return bits.to_bytes((filled + 7) // 8, "little")
