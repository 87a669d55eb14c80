"""What is deflated: the same bytes always."""

import struct
import zlib

import numpy as np
import pytest

from tilecppn.exporters.encoding.deflate import FIRST, compressed, deflate


def noise(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    return np.random.default_rng(size).integers(0, 60, size, np.uint8)


@pytest.mark.parametrize("size", [1, FIRST - 1, FIRST, FIRST + 1, 4160, 10**6])
@pytest.mark.parametrize("effort", [1, 6])
def test_what_was_deflated_comes_back(size: int, effort: int) -> None:
    assert zlib.decompress(compressed(noise(size), effort)) == noise(size).tobytes()
    raw = compressed(noise(size), effort, -15, zlib.Z_SYNC_FLUSH)
    assert zlib.decompressobj(-15).decompress(raw) == noise(size).tobytes()


def test_bytes_do_not_depend_on_where_a_stream_lies_in_memory() -> None:
    """ISA-L puts the third byte's place where an address says, in one of 8,192 slots.

    Each of these texts begins in a slot of its own and comes twice, so one of them is found the
    second time only where that slot was left alone.
    """
    tail = noise(1000).tobytes()
    texts = [struct.pack("<I", slot << 19 | 77) + tail[:20] for slot in range(8192)]
    arrays = [np.frombuffer(text + tail + text + tail[:400], np.uint8) for text in texts]
    here = [compressed(array) for array in arrays]
    others = []
    for _ in range(3):
        others += [deflate.compressobj(1) for _ in range(50)]  # they take its place
        assert [compressed(array) for array in arrays] == here
