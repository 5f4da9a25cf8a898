"""Bounds on the repetitions in a run.  Pure."""

from typing import Final

#: Stored copies that may be missing before the file is downloaded.
MAX_MISSING: Final = 8
#: Version numbers that other programs may take during a run before the run fails.
MAX_CONFLICTS: Final = 16
#: How often progress may reset the retry budget: a limit for a server that sends byte by byte.
MAX_BUDGET_RESETS: Final = 1_000
