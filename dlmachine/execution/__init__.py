"""Execute the effects of a run."""
