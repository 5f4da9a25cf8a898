"""Pins, and the removal of what a cache no longer keeps."""
