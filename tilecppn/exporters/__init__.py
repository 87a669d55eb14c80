"""Exporters: from a store to pyramids and single files. One file an output format."""
