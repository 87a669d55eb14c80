"""Deflate for bytes that are mostly 0: zlib reads it, and its codes are as they must be."""

import heapq
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tilecppn.codegen import Compiled, Module
from tilecppn.exporters.encoding.huffman import LONGEST, WHOLE, codes, lengths
from tilecppn.exporters.encoding.sparse_deflate import (
    LONGEST_RUN,
    SPARSE,
    SYMBOLS,
    VECTOR,
    deflated,
)

LAWS = settings(max_examples=100)
Bytes = NDArray[np.uint8]


def inflated(data: bytes) -> bytes:
    """By zlib; `data` ends with a flush, so that an empty last block makes it whole."""
    stream = zlib.decompressobj(-15)
    found = stream.decompress(data + b"\x03\x00")
    assert stream.eof
    assert not stream.unused_data
    return found


def assert_reads_back(data: Bytes) -> int:
    """Returns the bytes that it took."""
    made = deflated(data)
    assert made is not None
    assert inflated(made.data) == data.tobytes()
    assert made.adler == zlib.adler32(data.data)
    return len(made.data)


@st.composite
def sparse(draw: st.DrawFn) -> Bytes:
    """Zeros with something between them, here and there closely."""
    size = draw(st.integers(VECTOR, 6000))
    data = np.zeros(size, np.uint8)
    few = size // SPARSE - size // LONGEST_RUN - 1  # tokens: cut runs and the last one count too
    for place in draw(st.lists(st.integers(0, size - 1), max_size=min(few, 80))):
        data[place] = draw(st.integers(1, 255))
    return data


@LAWS
@given(sparse())
@example(np.zeros(VECTOR, np.uint8))
def test_it_reads_back_bit_for_bit(data: Bytes) -> None:
    assert_reads_back(data)


@pytest.mark.parametrize("first", [0, 7])
def test_every_length_of_a_run(first: int) -> None:
    for run in range(3 * LONGEST_RUN + 5):
        data = np.zeros(max(run + 40, 64), np.uint8)
        data[0], data[run + 1] = first, 9
        assert_reads_back(data)


def test_every_byte_and_very_rare_ones() -> None:
    """Counts as Fibonacci's numbers, which the longest codes come from."""
    counts = [1, 1]
    while len(counts) < 24:
        counts.append(counts[-1] + counts[-2])
    rare = np.concatenate([np.full(n, value, np.uint8) for value, n in enumerate(counts, 1)])
    rare = np.random.default_rng(0).permutation(np.append(rare, np.arange(1, 256)).astype(np.uint8))
    data = np.zeros((len(rare), 12), np.uint8)
    data[:, 5] = rare
    assert_reads_back(data.reshape(-1))


@pytest.mark.parametrize("size", [512 * 1537, 65536, 1000])
def test_zeros_take_next_to_nothing(size: int) -> None:
    assert assert_reads_back(np.zeros(size, np.uint8)) < 64 + size // 200


def test_what_is_too_short_or_not_sparse_is_left_to_others() -> None:
    assert deflated(np.zeros(VECTOR - 1, np.uint8)) is None
    data = np.zeros(8000, np.uint8)
    data[::7] = 1
    assert deflated(data) is None
    data[::9] = 0
    data[::2] = 1
    assert deflated(data) is None


def test_a_photograph_like_noise_of_single_steps_is_no_larger_than_zlibs() -> None:
    rng = np.random.default_rng(1)
    data = np.where(rng.random(300_000) < 0.05, rng.choice([1, 255], 300_000), 0).astype(np.uint8)
    assert assert_reads_back(data) < 1.02 * len(zlib.compress(data.data, 6))


# The codes


def huffman() -> Module:
    module = Module()
    lengths(module)
    codes(module)
    return module


def measured(counts: list[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of the symbols' codes, and the codes as words."""
    compiled = Compiled(huffman)
    bits, words = np.zeros((2, len(counts)), np.int64)
    compiled["lengths"](np.array(counts, np.int64), len(counts), bits)
    compiled["codes"](bits, len(counts), words)
    return bits, words


def best(counts: list[int]) -> int:
    """Bits that Huffman's own lengths take."""
    heap = sorted(n for n in counts if n)
    total = 0
    while len(heap) > 1:
        pair = heapq.heappop(heap) + heapq.heappop(heap)
        total += pair
        heapq.heappush(heap, pair)
    return total


some_counts = st.lists(
    st.one_of(st.just(0), st.integers(1, 9), st.integers(0, 10**9)), min_size=2, max_size=SYMBOLS
).filter(lambda counts: sum(n > 0 for n in counts) > 1)


@LAWS
@given(some_counts)
@example([1] * SYMBOLS)
@example([10**9, *[1] * (SYMBOLS - 1)])
@example([1, 1])
def test_the_codes_are_whole_and_none_begins_with_another(counts: list[int]) -> None:
    bits, words = measured(counts)
    used = np.array(counts) > 0
    assert (bits[used] >= 1).all()
    assert (bits[used] <= LONGEST).all()
    assert (bits[~used] == 0).all()
    assert (WHOLE >> bits[used]).sum() == WHOLE
    assert (words & 255 == bits).all()
    written = [f"{word >> 8:b}"[::-1].ljust(n, "0") for n, word in zip(bits, words, strict=True)]
    texts = sorted(text for text, n in zip(written, bits, strict=True) if n)
    assert not any(b.startswith(a) for a, b in pairwise(texts))


def test_the_lengths_are_near_the_best_on_counts_that_fall_as_pictures_do() -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        falling = 1e5 * rng.random() * np.arange(1, 60) ** -rng.uniform(1, 3)
        counts: list[int] = [*falling.astype(int).tolist(), 1, 1]
        bits, _ = measured(counts)
        assert (bits * counts).sum() < 1.03 * best(counts)
