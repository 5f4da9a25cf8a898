"""Mutation testing: does any test notice when the core is changed?  `python -m tests.mutation`."""
