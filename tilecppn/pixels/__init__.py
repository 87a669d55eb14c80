"""Draws windows of pixels: colour, reconstruction, supersampling, quantisation, downsampling."""
