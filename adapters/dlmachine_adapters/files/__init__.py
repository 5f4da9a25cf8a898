"""Primitives of the file system: atomic renames, locks, dlmachine's own folders."""
