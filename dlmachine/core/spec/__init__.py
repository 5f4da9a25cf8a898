"""The user's request, and how arguments are parsed into values."""
