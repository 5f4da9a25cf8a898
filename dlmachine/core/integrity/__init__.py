"""Checksums, and what content must look like."""
