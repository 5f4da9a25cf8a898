"""Mutation testing: does a test fail when the core is changed?  `python -m tests.mutation`."""
