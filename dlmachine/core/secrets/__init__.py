"""Secrets in URLs, header fields and texts: recognition and masking."""
