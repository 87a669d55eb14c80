"""The CPU kernel: machine code generated for the network at hand through LLVM."""
