"""What a manager keeps in its cache: pins and pruning."""
