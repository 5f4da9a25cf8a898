"""What the contenders run, each in its own environment; no program imports another."""
