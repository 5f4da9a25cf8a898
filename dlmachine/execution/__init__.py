"""Performing the effects of a run."""
