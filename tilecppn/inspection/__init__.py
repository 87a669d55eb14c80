"""Describes files, folders and stores, and counts the finished tasks of a store."""
