"""The requests backend: what it adds to `requests` and `urllib3`."""
