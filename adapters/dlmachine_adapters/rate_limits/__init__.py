"""When a request may be sent to a host, and how fast bytes may arrive."""
