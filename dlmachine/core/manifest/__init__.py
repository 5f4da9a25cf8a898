"""Manifests and their locks: entries, their paths in a folder, pinned bytes, and comparison."""
