"""Findings about a cache folder, and their safe repairs."""
