"""Films: timelines, their frames, and the files made of them."""
