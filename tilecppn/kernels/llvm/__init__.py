"""The llvm kernel for CPUs: machine code generated for each network by LLVM."""
