"""Decisions from a snapshot, and the context of faults.  Pure."""
