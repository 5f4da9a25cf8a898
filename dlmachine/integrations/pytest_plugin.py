"""Fixtures for tests of programs that download with dlmachine.

pytest finds them by the entry point, and therefore imports this module in each session.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from dlmachine.demo import ExampleServer


@pytest.fixture
def dlmachine_server() -> 'Iterator[ExampleServer]':
    """A web server on this computer, which serves the example files and those in its `files`.

    `url` is its base URL, and `requests` lists the requests.
    """
    from dlmachine.demo import examples

    with examples() as server:
        yield server


@pytest.fixture
def dlmachine_offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No request is sent in this test: what is not stored raises `OfflineMissError`.

    It sets `DLMACHINE_OFFLINE`, for the default manager and for those that the test makes.
    `offline=False` is stronger.
    """
    from dlmachine.default_manager import close_default_manager

    close_default_manager()
    monkeypatch.setenv('DLMACHINE_OFFLINE', '1')
    yield
    close_default_manager()
