"""Bodies and header fields on the command line, with the syntax of curl."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dlmachine.cli import group
from dlmachine.cli.parameters.body import FormField, parse_form_field
from tests.servers.behaviours import resource
from tests.servers.http import Asked, Server

FORM = 'application/x-www-form-urlencoded'


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('lines.txt').write_bytes(b'a=1\r\nb=2\n\0')
    Path('x.csv').write_bytes(b'id\n1\n')


def get(*words: str, stdin: bytes | None = None) -> Result:
    """Run `dlmachine get`, with what it downloads on stdout."""
    return CliRunner().invoke(group, ['get', *words, '-o', '-'], input=stdin)


def asked(server: Server, *words: str, stdin: bytes | None = None) -> Asked:
    """The request of a command that succeeds."""
    done = get(server.on('/x', resource(b'ok')), *words, stdin=stdin)
    assert (done.exit_code, done.stdout) == (0, 'ok'), done.stderr
    return server.asked[-1]


@pytest.mark.parametrize(
    ('words', 'body'),
    [
        (['--data', 'a=1'], b'a=1'),
        (['--data', 'a=1', '--data', 'b=2'], b'a=1&b=2'),
        (['--data', '@lines.txt'], b'a=1b=2'),
        (['--data', '@-'], b'from stdin'),
        (['--data-binary', '@lines.txt'], b'a=1\r\nb=2\n\0'),
        (['--data-binary', 'a@b'], b'a@b'),
        (['--data-raw', '@lines.txt'], b'@lines.txt'),
        (['--data-urlencode', 'q=a b&c/é'], b'q=a+b%26c%2F%C3%A9'),
        (['--data-urlencode', 'a b'], b'a+b'),
        (['--data-urlencode', '=a=b'], b'a%3Db'),
        (['--data-urlencode', 'q@x.csv'], b'q=id%0A1%0A'),
        (['--data-urlencode', '@x.csv'], b'id%0A1%0A'),
        (['--data-urlencode', 'q=1 2', '--data', 'b=3'], b'q=1+2&b=3'),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)  # fmt: skip
def test_a_form_is_posted(server: Server, words: list[str], body: bytes) -> None:
    """Values are joined in the order of their flags; a file is read as curl reads it."""
    one = asked(server, *words, stdin=b'from\n stdin\n')
    assert (one.method, one.get('Content-Type'), one.body) == ('POST', FORM, body)


def test_a_header_sets_another_type(server: Server) -> None:
    """For a body of any kind."""
    one = asked(server, '--data-binary', '@x.csv', '-H', 'Content-Type: text/csv', '-X', 'PUT')
    assert (one.method, one.get('Content-Type'), one.body) == ('PUT', 'text/csv', b'id\n1\n')


def test_a_form_may_be_a_query(server: Server) -> None:
    """`-G` appends it to that of the URL."""
    server.on('/x', resource(b'ok'))
    done = get(server.url('/x?z=0'), '-G', '--data', 'a=1&b=', '--data-urlencode', 'q=1 2&3')
    assert done.exit_code == 0, done.stderr
    one = server.asked[-1]
    assert (one.method, one.body) == ('GET', b'')
    assert one.target.partition('?')[2].replace('%20', '+') == 'z=0&a=1&b=&q=1+2%263'


def test_fields_and_files_are_a_multipart_form(server: Server) -> None:
    """With types and names; what is sent as text has none."""
    one = asked(
        server, '-F', 'a=1', '-F', 'f=@x.csv;type=text/csv;filename=y.csv', '-F', 'n=<x.csv',
        '-F', 'g=@x.csv', '--form-string', 's=@x;type=y',
    )  # fmt: skip
    assert one.method == 'POST'
    assert (one.get('Content-Type') or '').startswith('multipart/form-data; boundary=')
    parts = [part.strip(b'\r\n') for part in one.body.split(b'--dlmachine-')[1:-1]]
    told = [part.partition(b'\r\n')[2].replace(b'\r\n', b'|') for part in parts]
    assert told[0] == b'Content-Disposition: form-data; name="a"||1'
    assert b'name="f"; filename="y.csv"|Content-Type: text/csv||id\n1' in told[1]
    assert told[2] == b'Content-Disposition: form-data; name="n"||id\n1'
    assert b'name="g"; filename="x.csv"' in told[3]
    assert told[4] == b'Content-Disposition: form-data; name="s"||@x;type=y'


@pytest.mark.parametrize(
    ('text', 'field'),
    [
        ('a=', FormField('a', text='')),
        ('a=b;c=d', FormField('a', text='b;c=d')),
        ('a="x;type=y"', FormField('a', text='x;type=y')),
        ('a=b;type=text/x', FormField('a', text='b', content_type='text/x')),
        ('a="b\\"c"', FormField('a', text='b"c')),
        ('a=@"x;y";filename="a;b"', FormField('a', path='x;y', is_upload=True, filename='a;b')),
        (
            'a=b;type=text/x;charset=utf-8',
            FormField('a', text='b', content_type='text/x;charset=utf-8'),
        ),
        ('a="b', FormField('a', text='"b')),
        ('a=@-', FormField('a', path='-', is_upload=True)),
        ('=b', None),
        ('ab', None),
    ],
)
def test_a_field_is_parsed(text: str, field: FormField | None) -> None:
    """Attributes are at the end; quotes protect them."""
    assert parse_form_field(text) == field


def test_json_may_be_in_a_file(server: Server) -> None:
    """Or on stdin."""
    Path('q.json').write_text('{"ids": [1, 2]}')
    for words, stdin in ((['--json-data', '@q.json'], None), (['--json-data', '@-'], b'[1]')):
        one = asked(server, *words, stdin=stdin)
        assert one.get('Content-Type') == 'application/json'
        assert one.body == (b'{"ids":[1,2]}' if stdin is None else b'[1]')


def test_headers_may_be_in_a_file(server: Server) -> None:
    """One in each line; `Name;` is an empty field, and `-e` is the Referer."""
    Path('h.txt').write_bytes(b'X-A: 1\r\n\nX-B: 2\n')
    one = asked(server, '-H', '@h.txt', '-H', 'X-C: 3', '-H', 'X-D;', '-e', 'http://from/')
    fields = [one.get(name) for name in ('X-A', 'X-B', 'X-C', 'X-D', 'Referer')]
    assert fields == ['1', '2', '3', '', 'http://from/']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--data', 'a', '-F', 'a=b'], '--data and --form exclude each other'),
        (['--data-urlencode', 'a', '--json-data', '1'], '--data-urlencode and --json-data exclude'),
        (['-G'], '--get needs --data'),
        (['-F', 'a'], "a field needs a name: NAME=TEXT or NAME=@FILE, not 'a'"),
        (['--form-string', 'a'], '--form-string: a field needs a name'),
        (['-F', 'a=@none'], '--form: none cannot be read: No such file or directory'),
        (['-H', '@none'], '--header: none cannot be read: No such file'),
        (['-H', '@/dev/zero'], '--header: /dev/zero is larger than 1,048,576 bytes'),
        (['-w', '@/dev/zero'], '--write-out: /dev/zero is larger than 1,048,576 bytes'),
        (['--data-binary', '@none'], '--data-binary: none cannot be read: No such file'),
        (['--data-urlencode', 'x@none'], '--data-urlencode: none cannot be read: No such file'),
        (['--json-data', '@none'], '--json-data: none cannot be read: No such file'),
        (['--json-data', '@x.csv'], '--json-data'),
        (['-G', '--data', 'a=\x01', '-X', 'POST'], ''),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_what_cannot_be_sent_is_said(words: list[str], said: str) -> None:
    """Before any request."""
    done = get('http://127.0.0.1:1/x', *words, '--retry', '0')
    assert done.exit_code == (2 if said else 4)
    assert said in done.stderr
