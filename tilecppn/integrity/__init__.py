"""Verifies stores and exports against damage, and repairs them."""
