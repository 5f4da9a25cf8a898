"""The fixtures of `tests.fixtures`, for the tests in this folder."""

from tests.fixtures import *  # noqa: F403 -- its `__all__` is what pytest finds here
