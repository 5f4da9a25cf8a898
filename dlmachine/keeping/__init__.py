"""What a manager keeps in its cache: listing, pins, pruning, export and import."""
