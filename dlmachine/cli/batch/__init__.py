"""Batches of commands: their inputs, results and summaries, and another try."""
