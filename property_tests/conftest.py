"""The profiles of hypothesis, and a ban on sockets, which the core does not need.

`dev` (the default) draws new examples each time; `ci` runs more of them, always the same ones and
without a deadline, so that a change passes or fails by itself. Choose it with
`HYPOTHESIS_PROFILE=ci`.
"""

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    'dev',
    max_examples=60,
    deadline=timedelta(seconds=2),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    'ci',
    max_examples=100,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get('HYPOTHESIS_PROFILE', 'dev'))


@pytest.fixture(autouse=True)
def _no_sockets(socket_disabled: None) -> None:
    """Raises an error for any socket, also on loopback."""
