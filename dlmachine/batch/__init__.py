"""Many downloads at once: inputs, workers, and records that are written together."""
