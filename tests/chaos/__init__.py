"""Renders under random faults, each by its seed."""
