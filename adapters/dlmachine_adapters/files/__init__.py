"""Primitives of the file system: atomic renames, locks, folders of our own."""
