"""What moves in a film: keyframes, tracks, interpolation; frame k of a timeline is a Scene."""
