"""The batch of `dlmachine get`: its inputs, its results, its summary, and another try."""
