"""How much a cache keeps: its limits, which versions to remove, and which never."""
