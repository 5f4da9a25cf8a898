"""What is stored: entries of the cache, and the names of their files."""
