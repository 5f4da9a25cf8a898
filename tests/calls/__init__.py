"""How many function calls a download of a small file takes, and a budget for each part of it.

The counts do not depend on the machine. `python -m tests.calls` prints them.
"""
