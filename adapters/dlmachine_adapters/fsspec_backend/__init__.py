"""The backend for object stores and remote file systems, based on `fsspec`."""
