"""Reads packed files: compressed ones, and the members of archives, with bounded memory."""
