"""The downloaders on their own: one backend, no cache."""

import io
from hashlib import sha256
from pathlib import Path

import pytest

import dlmachine as dm
from dlmachine.core.spec.policy import Policy
from dlmachine.downloaders import Downloader
from dlmachine.errors import RequestError
from tests.servers.behaviours import in_turn, redirect, resource, respond
from tests.servers.http import Server

BODY = b'abc' * 1000


@pytest.fixture(params=[dm.RequestsDownloader, dm.CurlDownloader])
def kind(request: pytest.FixtureRequest) -> type[Downloader]:
    """Both downloaders."""
    found: type[Downloader] = request.param
    return found


def test_to_a_path(kind: type[Downloader], server: Server, tmp_path: Path) -> None:
    """Every attribute of the original interface works."""
    said = (('Content-Disposition', 'attachment; filename="t.tsv"'), ('X-Id', '7'))
    url = server.on('/r', redirect(server.on('/x', resource(BODY, fields=said))))
    one = kind(dm.Descriptor(url), tmp_path / 'x')

    assert not one.ok
    assert one.download() == str(tmp_path / 'x')
    assert (one.ok, one.http_code, one.size, one.filename, one.ext) == (
        True,
        200,
        3000,
        't.tsv',
        'tsv',
    )
    assert one.sha256 == sha256(BODY).hexdigest()
    assert one.resp_headers.get('x-id') == '7'
    assert one.path == str(tmp_path / 'x')


def test_to_memory(kind: type[Downloader], server: Server) -> None:
    """Without a path the result is a buffer."""
    one = kind(server.on('/x', resource(BODY)), None, progress=False)

    buffer = one.download()

    assert isinstance(buffer, io.BytesIO)
    assert buffer.read() == BODY
    assert one.path is None


def test_failures_are_not_raised(kind: type[Downloader], server: Server, tmp_path: Path) -> None:
    """After an error of server or network, `ok` is false, and there is no file."""
    one = kind(dm.Descriptor(server.on('/x', respond(404, body=b'no'))), tmp_path / 'x')
    dead = kind(dm.Descriptor('http://127.0.0.1:1/'), tmp_path / 'x')

    assert (one.download(), dead.download()) == (None, None)
    assert (one.ok, one.http_code, dead.ok, dead.http_code) == (False, 404, False, 0)
    assert (one.size, one.sha256, one.filename, one.path, len(one.resp_headers)) == (
        None,
        None,
        None,
        None,
        0,
    )
    assert dead.fault is not None
    assert list(tmp_path.iterdir()) == []


def test_a_policy_sets_limits(kind: type[Downloader], server: Server) -> None:
    """With a policy there are retries; an unsupported scheme is the caller's mistake."""
    url = server.on('/x', in_turn(respond(503), resource(BODY)))
    quick = Policy(retries=1, retry_wait=Policy().retry_wait * 0)

    assert kind(url, policy=quick).download() is not None
    with pytest.raises(RequestError, match='gopher'):
        kind('gopher://127.0.0.1/').download()
