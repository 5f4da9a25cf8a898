"""The type of the fixture that runs commands for a cache."""

from collections.abc import Callable

from click.testing import Result

RunCache = Callable[..., Result]
