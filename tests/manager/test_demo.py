"""The example server, as a user's tests would use it."""

import subprocess
import sys
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from dlmachine.demo import ExampleServer, examples, serve
from dlmachine.manager import DownloadManager

_OPEN = build_opener(ProxyHandler({})).open


@pytest.fixture
def server() -> Iterator[ExampleServer]:
    """A server with an additional file."""
    with examples({'/mine.txt': b'mine\n'}) as running:
        yield running


def get(url: str, data: bytes | None = None, **fields: str) -> tuple[int, bytes]:
    """The status and the body of one request."""
    headers = {name.replace('_', '-'): value for name, value in fields.items()}
    try:
        with _OPEN(Request(url, data=data, headers=headers), timeout=10) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_files_are_served_and_can_be_changed(server: ExampleServer) -> None:
    """Example files and added ones; the next request sees a change."""
    assert get(f'{server.url}/mine.txt') == (200, b'mine\n')
    assert get(f'{server.url}/notes.txt') == (200, b'read me first\n')

    server.files['/mine.txt'] = b'changed\n'

    assert get(f'{server.url}/mine.txt') == (200, b'changed\n')


def test_each_request_is_listed(server: ExampleServer) -> None:
    """With its method, its path without the query, and the status of the response."""
    get(f'{server.url}/mine.txt?n=1')
    get(f'{server.url}/missing/mine.txt')
    get(f'{server.url}/echo', b'a=1')

    assert server.requests == ['GET /mine.txt 200', 'GET /missing/mine.txt 404', 'POST /echo 200']


def test_conditions_and_ranges_are_supported(server: ExampleServer) -> None:
    """304 to a condition that holds, 206 to a range of the same version, else 200."""
    url = f'{server.url}/mine.txt'
    with _OPEN(url) as response:
        etag, modified = response.headers['ETag'], response.headers['Last-Modified']

    assert get(url, If_None_Match=etag) == (304, b'')
    assert get(url, If_None_Match='"old"', If_Modified_Since=modified) == (200, b'mine\n')
    assert get(url, If_Modified_Since=modified) == (304, b'')
    assert get(url, Range='bytes=1-2', If_Range=etag) == (206, b'in')
    assert get(url, Range='bytes=1-', If_Range=etag) == (206, b'ine\n')
    assert get(url, Range='bytes=1-2', If_Range='"old"') == (200, b'mine\n')
    for ignored in ('bytes=-2', 'bytes=0-1,3-4', 'bytes=9-', 'lines=1-2'):
        assert get(url, Range=ignored) == (200, b'mine\n')


def test_some_paths_misbehave(server: ExampleServer) -> None:
    """As the table in the module's docstring says."""
    statuses = {
        path: [get(f'{server.url}{path}')[0] for _ in range(2)]
        for path in ('/down', '/flaky/table.tsv', '/failing/table.tsv', '/moved')
    }

    assert statuses == {
        '/down': [503, 503],
        '/flaky/table.tsv': [503, 200],
        '/failing/table.tsv': [200, 503],
        '/moved': [200, 200],
    }


def test_a_malformed_body_is_refused(server: ExampleServer) -> None:
    """With 400; the connection stays usable."""
    status, reported = get(f'{server.url}/echo', b'{', Content_Type='application/json')

    assert (status, reported[:9]) == (400, b'Expecting')
    assert get(f'{server.url}/echo', b'[]', Content_Type='application/json')[0] == 200


def test_former_name_still_works() -> None:
    """With a warning that is shown where it is used."""
    with (
        pytest.warns(DeprecationWarning, match='is now called dlmachine.demo.examples') as warned,
        serve(b'abc', '/x') as server,
    ):
        response = get(server.url)

    assert (response, server.asked) == ((200, b'abc'), ['GET /x 200'])
    assert warned[0].filename == __file__


def test_a_client_that_hangs_up_is_not_an_error(
    server: ExampleServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed."""
    for _ in range(3):
        with _OPEN(f'{server.url}/large.bin') as response:
            response.read(10)
    server.close()

    assert capfd.readouterr() == ('', '')


def test_it_can_be_closed_twice(server: ExampleServer) -> None:
    """The second time does nothing."""
    server.close()
    server.close()

    with pytest.raises(OSError, match='refused'):
        _OPEN(f'{server.url}/mine.txt')


def test_program_ends_although_its_server_runs() -> None:
    """The first lines of README end by themselves, and quietly."""
    program = 'from dlmachine.demo import examples; print(examples().url)'

    done = subprocess.run(
        [sys.executable, '-W', 'error', '-c', program],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('http://127.0.0.1:')


def test_manager_follows_the_files(server: ExampleServer, manager: DownloadManager) -> None:
    """A hit, a 304, and after a change a second version."""
    url = f'{server.url}/mine.txt'
    manager.download(url)
    manager.download(url)
    manager.fetch(url, check_freshness=True)
    server.files['/mine.txt'] = b'changed\n'
    outcome = manager.fetch(url, check_freshness=True)

    assert outcome.version == 2
    assert server.requests == [f'GET /mine.txt {status}' for status in (200, 304, 200)]
