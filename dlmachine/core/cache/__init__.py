"""The cache: its entries, and the names of their files."""
