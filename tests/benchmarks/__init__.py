"""Benchmarks: dlmachine beside other downloaders, on the loopback (`make bench`)."""
