"""For programs that download by another library: its interface, over a manager."""
