"""Exporters: from a store to pyramids and single files, one module per output format."""
