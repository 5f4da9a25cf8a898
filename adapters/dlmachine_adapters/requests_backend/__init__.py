"""The backend based on `requests`."""
