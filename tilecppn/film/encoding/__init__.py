"""Encode frames into a film: codecs, clips, containers, and the metadata in the file."""
