"""Excludes this folder from pytest: it has no tests, and its programs import other packages."""

collect_ignore_glob = ['*']
