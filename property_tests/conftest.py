"""Property tests run without a network, and the same way everywhere."""

import os

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket

settings.register_profile('dev', max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile('ci', parent=settings.get_profile('dev'), max_examples=200, derandomize=True)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'ci'))


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """A decision that opened a socket would fail here."""
    disable_socket()
