"""Bounds on how often a run does the same again, whatever happens.  Pure."""

from typing import Final

#: Stored copies that may turn out to be gone before a new one is fetched.
MAX_MISSING: Final = 8
#: Versions that others may have taken, one after the other, before it is an error.
MAX_CONFLICTS: Final = 16
#: How often bytes that arrive renew the budget; a server that gives one byte a time ends here.
MAX_BUDGET_RESETS: Final = 1_000
