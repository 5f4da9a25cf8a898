"""The requests backend: its additions to `requests` and `urllib3`."""
