"""The commands that keep a cache small: prune, pin, unpin."""
