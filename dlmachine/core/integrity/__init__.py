"""Checksums, and checks of content."""
