"""Access control of servers: cookies.  Pure."""
