"""Primitives of the file system."""
