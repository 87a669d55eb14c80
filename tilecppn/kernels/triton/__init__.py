"""The CUDA kernel, written in Triton."""
