"""Access control of servers: cookies."""
