"""The contenders' programs, each for its own environment; no program imports another."""
