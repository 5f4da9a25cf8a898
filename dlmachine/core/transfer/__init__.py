"""Transfer: pure decisions about one request and its response."""
