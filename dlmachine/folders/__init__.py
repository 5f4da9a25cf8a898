"""Data folders: what is recorded in them, and how it is checked, added and removed."""
