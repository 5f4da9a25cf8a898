"""Partial files: the bytes of downloads that are not complete yet."""
