"""Outputs: where they are written, how they replace older ones, how they are recognised."""
