"""The way to a server: through which proxy, to which IP address, and what is forbidden."""
