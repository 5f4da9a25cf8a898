"""Locks of manifests: their lockfiles, and downloads with the bytes of a lockfile."""
