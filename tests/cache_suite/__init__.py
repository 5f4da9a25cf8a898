"""The public test suite for HTTP caches, played by dlmachine and by other libraries.

`python -m tests.cache_suite` gets the suite by npm, starts its server in a network namespace of its
own, because the server listens on all addresses, and prints the figures by tier. It is not part of
the ordinary tests.
"""
