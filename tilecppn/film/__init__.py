"""Films: timelines, their frames, and the files encoded from them."""
