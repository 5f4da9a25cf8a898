"""Decisions about one request and its response."""
