"""Integrity: checksums, and what content must look like.  Pure."""
