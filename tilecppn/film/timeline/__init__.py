"""Timelines: keyframes, tracks, interpolation. Frame k of a timeline is a Scene."""
