"""Servers on loopback for tests: HTTP that can misbehave, TLS, a proxy, FTP, nginx."""
