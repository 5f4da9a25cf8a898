"""What servers and networks in the field do, from the response to the file, with both backends."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import metadata
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qs

import pytest

import dlmachine as dm
from tests.fixtures import MakeManager, RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
DEAD = ('127.0.0.2', '::1', '127.0.0.3')


# --- addresses of a host (RFC 8305) --------------------------------------------------------


@pytest.fixture
def port(server: Server) -> Iterator[int]:
    """The server's port; the `DEAD` addresses neither accept nor refuse connections to it."""
    server.on('/t.tsv', resource(BODY))
    with ExitStack() as stack:
        for host in DEAD:
            family = socket.AF_INET6 if ':' in host else socket.AF_INET
            listener = stack.enter_context(socket.socket(family))
            try:
                listener.bind((host, server.port))
            except OSError:  # pragma: no cover -- macOS has one loopback address
                pytest.skip('this system has one loopback address')
            listener.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket(family))
                waiting.setblocking(False)
                waiting.connect_ex((host, server.port))
        yield server.port


@pytest.mark.parametrize(
    'addresses',
    [
        '127.0.0.2,127.0.0.1',
        '[::1],127.0.0.1',
        '[::1],127.0.0.2,127.0.0.3,127.0.0.1',
        '127.0.0.1,127.0.0.2',
    ],
)
def test_a_dead_address_costs_a_moment(
    make_manager: MakeManager, port: int, tmp_path: Path, addresses: str
) -> None:
    """The first attempt succeeds, long before the connect timeout."""
    manager = make_manager(tmp_path / 'cache', resolve=f'many.test:{port}:{addresses}')
    began = monotonic()
    outcome = manager.fetch(f'http://many.test:{port}/t.tsv', connect_timeout=20, retries=0)

    assert monotonic() - began < 10
    assert Path(str(outcome.path)).read_bytes() == BODY
    assert outcome.tries == 1


def test_dead_addresses_share_the_connect_timeout(
    make_manager: MakeManager, port: int, tmp_path: Path
) -> None:
    """All of them together take no longer than one; the error names the phase."""
    addresses = '127.0.0.2,[::1],127.0.0.3'
    manager = make_manager(tmp_path / 'cache', resolve=f'many.test:{port}:{addresses}')
    began = monotonic()
    with pytest.raises(dm.TimeoutExpired) as caught:
        manager.download(f'http://many.test:{port}/t.tsv', connect_timeout=1, retries=0)

    assert 0.9 < monotonic() - began < 2.7
    assert 'connect' in str(caught.value)


def test_the_connect_timeout_is_ten_seconds_and_shown(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """With the defaults, an unreachable host takes 47 s; the plan says so before."""
    plan = make_manager(tmp_path / 'cache', retry_wait=1.0).plan(
        server.on('/t.tsv', resource(BODY))
    )
    assert 'at most 4 requests: 47 s if no connection is made' in str(plan)


# --- heads --------------------------------------------------------------------------------


@pytest.mark.parametrize(('count', 'size'), [(130, 40), (1_000, 40), (1, 60_000), (30, 6_000)])
def test_many_and_large_fields_are_read(
    make_manager: MakeManager, server: Server, tmp_path: Path, count: int, size: int
) -> None:
    """Fields are limited by bytes. The last one counts like the first."""
    fields = tuple((f'X-Policy-{number}', 'p' * size) for number in range(count))
    named = (*fields, ('Content-Disposition', 'attachment; filename=named.tsv'))
    url = server.on('/x', resource(BODY, fields=named))
    outcome = make_manager(tmp_path / 'cache').fetch(url, f'{tmp_path}/in/')

    assert Path(str(outcome.path)).name == 'named.tsv'
    assert len(server.asked) == 1
    assert outcome.record is not None
    assert dict(outcome.record.response_headers)[f'X-Policy-{count - 1}'] == 'p' * size


@pytest.mark.parametrize(
    ('field', 'name'),
    [
        ('attachment; filename=my 1st image.csv', 'my 1st image.csv'),
        ('filename=plain.csv', 'plain.csv'),
        ("attachment; filename='single quotes.csv'", 'single quotes.csv'),
        ('attachment; filename="=?UTF-8?B?bmHDr3ZlLmNzdg==?="', 'naïve.csv'),
        ('attachment; filename*=na%C3%AFve.csv', 'naïve.csv'),
        ("attachment; filename*=UTF-8''na%C3%AFve.csv; filename=a.csv", 'naïve.csv'),
        ('attachment; filename="../../etc/-rf .csv"', '_-rf .csv'),
        ('attachment; filename="na\u00efve.csv"', 'naïve.csv'),
    ],
)
def test_files_are_named_as_browsers_name_them(
    make_manager: MakeManager, server: Server, tmp_path: Path, field: str, name: str
) -> None:
    """The file in the folder has the name, by either backend."""
    url = server.on('/x', resource(BODY, fields=(('Content-Disposition', field),)))
    path = make_manager(tmp_path / 'cache').download(url, f'{tmp_path}/in/')

    assert str(path) == str(tmp_path / 'in' / name)
    assert [one.name for one in (tmp_path / 'in').iterdir() if one.is_file()] == [name]


def test_line_breaks_in_a_query_are_encoded(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """As BioMart and SPARQL need them; raw ones in a URL would end the request line."""
    url = server.on('/martservice', resource(BODY))
    query = '<?xml version="1.0"?>\r\n<Query>\n</Query>'
    manager = make_manager(tmp_path / 'cache')
    first = manager.fetch(url, query={'query': query})
    again = manager.fetch(url, query={'query': query}, freshness='stored')

    assert parse_qs(server.asked[0].target.partition('?')[2]) == {'query': [query]}
    assert '%0D%0A' in server.asked[0].target
    assert (again.path, len(server.asked)) == (first.path, 1)
    with pytest.raises(dm.RequestError, match='line break|control character|CR|LF'):
        manager.download(f'{url}?query=a\r\nHost: other')


# --- the environment ------------------------------------------------------------------------


@pytest.mark.parametrize('encoding', ['ascii', 'cp1252'])
def test_errors_can_be_written_in_any_encoding(
    run: RunCommand, server: Server, encoding: str
) -> None:
    """A failure is reported with its own exit code, and with its name escaped."""
    env = {'PYTHONIOENCODING': encoding, 'PYTHONUTF8': '0'}
    done = run(
        'get', f'http://127.0.0.1:{server.port}/数', '-o', 'Δ-数.tsv', '--retries', '0', **env
    )
    assert (done.returncode, '404' in done.stderr) == (8, True)
    assert 'Traceback' not in done.stderr
    url = server.on('/t.tsv', resource(BODY))
    written = run('get', url, '-o', 'Δ-数.tsv', **env)
    # ASCII is the encoding of a system without a locale, where names are bytes, as for ls.
    shown = {'ascii': 'Δ-数.tsv\n', 'cp1252': '\\u0394-\\u6570.tsv\n'}[encoding]
    assert (written.returncode, written.stdout) == (0, shown)
    batch = run('get', url, '-o', '数/', '-v', '--progress', **env)
    assert (batch.returncode, 'Traceback' in batch.stderr) == (0, False)


def test_the_record_names_the_library_that_downloaded(
    make_manager: MakeManager, backend: str, server: Server, tmp_path: Path
) -> None:
    """The backend and its version: of curl that of libcurl."""
    outcome = make_manager(tmp_path / 'cache').fetch(server.on('/t.tsv', resource(BODY)))
    assert outcome.record is not None
    assert outcome.record.backend == backend
    version = outcome.record.backend_version
    assert version.startswith(metadata.version({'curl': 'pycurl'}.get(backend, backend)))
    assert ('libcurl/' in version) == (backend == 'curl')
