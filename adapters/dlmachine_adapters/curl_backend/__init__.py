"""The backend based on `pycurl`."""
