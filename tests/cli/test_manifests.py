"""Manifests on the command line: `get`, `plan` and `audit` agree."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.fixtures import RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> str:
    """Three files, of which two have the same name; one has a path."""
    urls = [server.on(f'/{name}/t.tsv', resource(BODY)) for name in 'abc']
    (tmp_path / 'data.json').write_text(
        json.dumps([urls[0], urls[1], {'url': urls[2], 'path': 'c/d.tsv'}])
    )
    return str(tmp_path / 'data.json')


def test_plan_audit_and_get_name_the_same_files(run: RunCommand, manifest: str) -> None:
    """In a folder; the audit reads its file from either place."""
    planned = run('plan', '-i', manifest, '--dir', 'data', '--json', '--exit-code')
    audited = [
        run('audit', *words, '--dir', 'data', '--json') for words in ((manifest,), ('-i', manifest))
    ]
    got = run('get', '-i', manifest, '--dir', 'data', '--json')

    names = {'t.tsv', 't-2.tsv', 'c/d.tsv'}
    assert [planned.returncode, got.returncode, audited[0].returncode] == [10, 0, 10]
    for one in (*audited, got):
        assert {row['path'] for row in json.loads(one.stdout)} == {f'data/{one}' for one in names}
    for name in names:
        assert any(f'data/{name}' in one['text'] for one in json.loads(planned.stdout))


def test_a_checksum_file_is_read_from_stdin_too(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """With a base URL."""
    server.on('/d/t.tsv', resource(BODY))
    text = f'{sha256(BODY).hexdigest()}  d/t.tsv\n'
    words = ('-i', '-', '--base-url', server.url('/'), '--dir', 'data')

    audited = run('audit', *words, said=text)
    got = run('get', *words, said=text)

    assert audited.returncode == 10
    assert got.stdout == 'data/d/t.tsv\n'
    assert (tmp_path / 'work/data/d/t.tsv').read_bytes() == BODY


def test_a_path_outside_needs_the_flag(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """The error names it."""
    url = server.on('/t.tsv', resource(BODY))
    (tmp_path / 'work' / 'l.json').write_text(json.dumps([{'url': url, 'path': '../t.tsv'}]))
    words = ('get', '-i', 'l.json', '--dir', 'data')

    refused, allowed = run(*words), run(*words, '--allow-outside')

    assert refused.returncode == 2
    assert "'../t.tsv' leads outside the folder" in refused.stderr
    assert '--allow-outside' in refused.stderr
    assert allowed.returncode == 0
    assert (tmp_path / 'work' / 't.tsv').read_bytes() == BODY
