"""For programs that use another library: its interface, over a manager, and fixtures for pytest."""
