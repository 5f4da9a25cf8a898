"""The rules of HTTP for a private cache: what is stored, and when it is used again (RFC 9111)."""
