"""Benchmarks: dlmachine and other downloaders, on loopback (`make bench`)."""
