"""The backend on `requests`."""
