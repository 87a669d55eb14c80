"""Exports for printing: files for labs, panels, proofs, test strips."""
