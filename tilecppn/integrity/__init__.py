"""Whether stores and exports are as they were written, and how they are mended."""
