"""Window → pixels."""
