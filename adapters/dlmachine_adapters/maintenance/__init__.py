"""Verify, diagnose and repair a cache folder."""
