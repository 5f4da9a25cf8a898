"""HTTP/2, if curl supports it and it is enabled."""

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from dlmachine.core.protocol.events import Responded, SegmentsEnded
from dlmachine.core.protocol.outcome import Outcome
from tests.fixtures import MakeManager
from tests.servers.nginx import Nginx, find_nginx
from tests.servers.tls import Authority

pytestmark = pytest.mark.nginx

_BODY = bytes(range(256)) * 20_000
_SETTINGS = """
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        add_header X-Protocol $server_protocol always;
"""


@dataclass(frozen=True, slots=True)
class _Site:
    url: str
    cainfo: Path


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Site]:
    """An nginx that returns the protocol version in a header."""
    built = subprocess.run([find_nginx(), '-V'], capture_output=True, text=True, check=True).stderr
    if 'http_v2_module' not in built:
        pytest.skip('this nginx has no HTTP/2')
    folder = tmp_path_factory.mktemp('site')
    (folder / 'root').mkdir()
    (folder / 'root' / 'data.bin').write_bytes(_BODY)
    authority = Authority.make(folder)
    issued = authority.ca.issue_cert('localhost', '127.0.0.1')
    issued.cert_chain_pems[0].write_to_path(str(folder / 'cert.pem'))
    issued.private_key_pem.write_to_path(str(folder / 'key.pem'))
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
    settings = _SETTINGS.format(port=port, cert=folder / 'cert.pem', key=folder / 'key.pem')
    nginx = Nginx(folder / 'nginx', folder / 'root', settings)
    nginx.start()
    try:
        yield _Site(f'https://localhost:{port}', authority.cainfo)
    finally:
        nginx.kill()


def _protocols(outcome: Outcome) -> set[str | None]:
    found: set[str | None] = set()
    for _, event in outcome.story:
        responses = event.ends if isinstance(event, SegmentsEnded) else (event,)
        found |= {
            one.head.headers.get('X-Protocol') for one in responses if isinstance(one, Responded)
        }
    return found


@pytest.mark.parametrize('given', [{}, {'http2': False}])
def test_http_1_1_is_the_default(
    make_manager: MakeManager, site: _Site, given: dict[str, object]
) -> None:
    """The same by each backend."""
    manager = make_manager(cainfo=str(site.cainfo), **given)
    assert _protocols(manager.fetch(f'{site.url}/data.bin', dest=False)) == {'HTTP/1.1'}


@pytest.mark.parametrize('segments', [1, 3])
def test_curl_uses_it_if_enabled(
    make_manager: MakeManager, site: _Site, backend: str, segments: int, tmp_path: Path
) -> None:
    """Complete, in ranges, and again; requests uses HTTP/1.1 as before."""
    manager = make_manager(tmp_path / 'cache', cainfo=str(site.cainfo), http2=True)
    digest = f'sha256:{sha256(_BODY).hexdigest()}'
    first = manager.fetch(f'{site.url}/data.bin', checksum=digest, segments=segments)
    again = manager.fetch(f'{site.url}/data.bin', check_freshness=True)

    spoken = {'HTTP/2.0'} if backend == 'curl' else {'HTTP/1.1'}
    assert _protocols(first) == _protocols(again) == spoken
    assert Path(first.path or '').read_bytes() == _BODY
    assert again.origin.value == 'cache'


def test_without_tls_there_is_none(make_manager: MakeManager, site: _Site, tmp_path: Path) -> None:
    """No request asks the server to upgrade the connection."""
    (tmp_path / 'x').write_bytes(b'abc')
    nginx = Nginx(tmp_path / 'nginx', tmp_path, 'add_header X-Protocol $server_protocol always;')
    nginx.start()
    try:
        outcome = make_manager(http2=True).fetch(f'{nginx.url}/x', dest=False)
    finally:
        nginx.kill()
    assert _protocols(outcome) == {'HTTP/1.1'}
