"""Keeps pytest out: nothing here is a test, and the programs import other packages."""

collect_ignore_glob = ['*']
