"""The backend on `pycurl`."""
