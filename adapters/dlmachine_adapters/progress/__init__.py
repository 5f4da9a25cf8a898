"""Progress: what runs, as events for a function, as bars on a terminal, or as lines."""
