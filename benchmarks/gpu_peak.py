"""A Triton function to measure the peak of a GPU's special-function units, in registers."""

import triton
import triton.language as tl

from tilecppn.kernels.triton.activations import constant, tanh_estimate

BLOCK, TURNS = 1024, 4096  # values a program, and results of each
_BLOCK, _TURNS = constant(BLOCK), constant(TURNS)


@triton.jit
def special(out):
    x = tl.arange(0, _BLOCK).to(tl.float32) * 1e-3
    for _ in range(_TURNS):
        x = tanh_estimate(x)
    tl.store(out + tl.program_id(0), tl.sum(x))
