"""Data sets of small images, from the places that people have them in."""
