"""How frames become a film: codecs, clips, containers, and the metadata inside the file."""
