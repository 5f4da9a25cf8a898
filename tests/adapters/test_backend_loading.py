"""Importing the backends: nothing is loaded before it is needed."""

import os
import subprocess
import sys

import pytest

_HEAVY = ('requests', 'urllib3', 'pycurl', 'cachedir', 'numpy', 'rich')


@pytest.mark.parametrize(
    ('code', 'allowed'),
    [
        ('import dlmachine_adapters', ()),
        ('import dlmachine_adapters.http.routing, dlmachine_adapters.http.request_body', ()),
        (
            'from dlmachine_adapters.requests_backend.transport import RequestsTransport as T; T.describe()',
            (),
        ),
        (
            'from dlmachine_adapters.curl_backend.transport import CurlTransport as T; T.describe()',
            ('pycurl',),
        ),
    ],
)
def test_nothing_heavy_is_loaded(code: str, allowed: tuple[str, ...]) -> None:
    """Listing the backends loads none of them."""
    pytest.importorskip('pycurl')
    ask = f'import sys; {code}; print(*[name for name in {_HEAVY!r} if name in sys.modules])'
    assert tuple(_run(ask).split()) == allowed


def test_curl_does_without_requests() -> None:
    """An exchange with curl loads neither requests nor urllib3."""
    pytest.importorskip('pycurl')
    code = """
import sys
from tests.adapters.transport_fakes import MemoryPart, RealClock, exchange_for
from dlmachine_adapters.curl_backend.transport import CurlTransport
transport = CurlTransport(RealClock())
transport.exchange(exchange_for('http://127.0.0.1:1/'), MemoryPart())
transport.close()
print('requests' in sys.modules, 'urllib3' in sys.modules)
"""
    assert _run(code).split() == ['False', 'False']


def _run(code: str) -> str:
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, env=env
    )
    return done.stdout
