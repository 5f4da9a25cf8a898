"""Manifests on the command line: `get`, `plan` and `audit` agree."""

import json
import re
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
    rows = [
        *map(json.loads, (one.stdout for one in audited)),
        map(json.loads, got.stdout.splitlines()),
    ]
    for found in rows:
        assert {row['path'] for row in found} == {f'data/{name}' for name in names}
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


def test_an_error_names_its_entry(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """Also if the message has the name in another word: `out` in `outside`."""
    entry = {'name': 'out', 'url': server.url('/t'), 'path': '../t'}
    (tmp_path / 'm.json').write_text(json.dumps([entry]))

    got = run('get', '-i', str(tmp_path / 'm.json'), '--dir', 'data')

    assert got.returncode == 2
    assert got.stderr.startswith('error: out: path (')


@pytest.mark.parametrize(
    'words',
    [
        ('get', '-i'), ('get', '--dir', 'data', '-i'), ('plan', '-i'), ('audit',),
        ('audit', '--probe', '-i'), ('audit', '--dir', 'data'), ('lock',), ('lock', '--check'),
        ('sync',), ('adopt', '--dir', 'data', '-i'),
    ],
    ids=' '.join,
)  # fmt: skip
def test_two_entries_for_one_path_are_refused_before_any_download(
    run: RunCommand, server: Server, tmp_path: Path, words: tuple[str, ...]
) -> None:
    """The error names both, by every command."""
    urls = [server.on(f'/{name}', resource(BODY)) for name in 'abc']
    entries = [
        {'url': url, 'name': name, 'path': path}
        for url, name, path in zip(urls, ('one', 'two', 'other'), ('t', 't', 'u'), strict=True)
    ]
    (tmp_path / 'work' / 'm.json').write_text(json.dumps(entries))
    (tmp_path / 'work' / 'data').mkdir()

    found = run(*words, 'm.json')

    assert found.returncode == 2
    assert found.stderr == (
        "error: entry 'two' (m.json) has the path 't', which is that of entry 'one'. "
        'Give each entry a path of its own; some file systems ignore case\n'
    )
    assert not server.asked
    assert {path.name for path in (tmp_path / 'work').rglob('*')} == {'m.json', 'data'}


def test_an_audit_advises_in_flags(run: RunCommand, server: Server, tmp_path: Path) -> None:
    """As `get` does: the audit foretells its error."""
    entries = [{'url': server.url('/t'), 'path': '../t'}]
    (tmp_path / 'm.json').write_text(json.dumps(entries))

    found = run('audit', str(tmp_path / 'm.json'), '--dir', 'data')

    assert found.stdout.endswith('Allow it if you trust the manifest: --allow-outside\n')


def test_a_check_upgrades_nothing(run: RunCommand, manifest: str) -> None:
    """Both together are refused by their flags."""
    for words in (('--upgrade',), ('--upgrade-entry', 'x')):
        refused = run('lock', manifest, '--check', *words)
        assert refused.returncode == 2
        assert '--check leaves the lockfile as it is' in refused.stderr


def test_lock_and_sync_end_with_codes_for_scripts(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """10 if manifest and lock differ, 9 if the bytes do; the lock lies beside the manifest."""
    url, work = server.on('/t.tsv', resource(BODY)), tmp_path / 'work'
    (work / 'data.toml').write_text(f'[first]\nurl = "{url}"\npath = "a/t.tsv"\n')
    steps = {
        'no lock': run('lock', 'data.toml', '--check'),
        'locked': run('lock', 'data.toml'),
        'agrees': run('lock', 'data.toml', '--check'),
        'synced': run('sync', 'data.toml', '--dir', 'data', '--locked'),
        'as json': run('sync', 'data.toml', '--dir', 'data', '--frozen', '--json'),
        'unknown': run('lock', 'data.toml', '--upgrade-entry', 'frist'),
    }
    server.on('/t.tsv', resource(b'new'))
    steps |= {
        'bytes': run('sync', 'data.toml', '--dir', 'other'),
        'in part': run('sync', 'data.toml', '--dir', 'other', DLMACHINE_FROZEN='1'),
        'upgraded': run('lock', 'data.toml', '--upgrade-entry', 'first'),
    }
    with (work / 'data.toml').open('a') as file:
        file.write(f'[second]\nurl = "{url}"\n')
    steps |= {
        'differs': run('lock', 'data.toml', '--check'),
        'not locked': run('sync', 'data.toml', '--locked'),
        'not frozen': run('sync', 'data.toml', DLMACHINE_FROZEN='1'),
        'updated': run('sync', 'data.toml', '--dir', 'both', '--quiet'),
        'again': run('lock', 'data.toml', '--upgrade'),
    }

    assert {name: done.returncode for name, done in steps.items() if done.returncode} == {
        'no lock': 10, 'unknown': 2, 'bytes': 9, 'in part': 9, 'differs': 10, 'not locked': 10, 'not frozen': 10,
    }  # fmt: skip
    assert steps['differs'].stdout == 'added    second\n'
    assert re.search(
        r'^changed first: 14 bytes, sha256 \w{12} -> 3 bytes, sha256 \w{12}$',
        steps['upgraded'].stderr,
        re.MULTILINE,
    )
    assert steps['locked'].stderr == '1 downloaded\ndata.toml.lock: written, 1 added (first)\n'
    assert steps['synced'].stdout == 'data/a/t.tsv\n'
    assert steps['synced'].stderr.endswith('data.toml.lock: not changed\n')
    assert json.loads(steps['as json'].stdout)['path'] == 'data/a/t.tsv'
    assert not (work / 'other').exists() or not list((work / 'other').rglob('*.tsv'))
    assert (work / 'both' / 't.tsv').read_bytes() == b'new'
    assert (steps['updated'].stdout, steps['updated'].stderr) == ('', '')


def test_a_lock_comes_from_the_cache_or_the_folder(
    run: RunCommand, server: Server, tmp_path: Path
) -> None:
    """Without either, what is downloaded for a lock is not stored."""
    url, work = server.on('/t.tsv', resource(BODY)), tmp_path / 'work'
    (work / 'list.txt').write_text(f'{url}\n')
    run('get', url, '--cache', 'c')

    run('lock', 'list.txt', '--cache', 'c')
    assert len(server.asked) == 1
    text = (work / 'list.txt.lock').read_text()
    (work / 'list.txt.lock').unlink()
    run('lock', 'list.txt', '--dir', 'd')

    assert (work / 'd' / 't.tsv').read_bytes() == BODY
    assert (work / 'list.txt.lock').read_text() == text
    assert sorted(path.name for path in work.iterdir()) == ['c', 'd', 'list.txt', 'list.txt.lock']
