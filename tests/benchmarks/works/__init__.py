"""The workloads: each a context manager that prepares its data and yields a `Work`."""
