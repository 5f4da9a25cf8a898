"""Files that people write, with any editor and any mistake: read, or refused by name and line."""

import codecs
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.integrity.checksum_file import read_list
from dlmachine.core.text.text_file import MAX_TEXT_BYTES, decode_text
from dlmachine.documents.reader import MAX_LEVELS, read_mapping
from tests.fixtures import RunCommand
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY = b'id\tscore\nP1\t1\n'
MANY = '9' * 5_000

LINES = 'http://h/a\nhttp://h/é  # Δ\n'
ENCODED: dict[str, bytes] = {
    'utf-8': LINES.encode(),
    'bom': LINES.encode('utf-8-sig'),
    'utf-16': LINES.encode('utf-16'),
    'utf-16-be-bom': codecs.BOM_UTF16_BE + LINES.encode('utf-16-be'),
    'utf-16-le': LINES.encode('utf-16-le'),
    'utf-16-be': LINES.encode('utf-16-be'),
    'utf-32': LINES.encode('utf-32'),
    'utf-32-be': LINES.encode('utf-32-be'),
    'crlf': LINES.replace('\n', '\r\n').encode(),
    'cr': LINES.replace('\n', '\r').encode(),
    'ctrl-z': LINES.encode() + b'\x1a',
    'nul': LINES.encode() + b'\0\0\0',
    'utf-16-crlf-ctrl-z': f'{LINES}\x1a'.replace('\n', '\r\n').encode('utf-16'),
    'joined': b''.join(line.encode('utf-8-sig') for line in LINES.splitlines(keepends=True)),
}


@pytest.mark.parametrize('data', ENCODED.values(), ids=ENCODED.keys())
def test_one_reader_for_every_encoding(tmp_path: Path, data: bytes) -> None:
    """Lists of URLs, checksum files, and settings in each format."""
    (tmp_path / 'urls.txt').write_bytes(data)
    items = dm.unwrap(dm.read_manifest(tmp_path / 'urls.txt'))
    assert [(item.fault, item.descriptor and item.descriptor.url) for item in items] == [
        (None, 'http://h/a'), (None, 'http://h/%C3%A9'),
    ]  # fmt: skip
    assert read_list(data) == decode_text(data).unwrap()


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16', 'utf-16-le', 'utf-32'])
@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'], ids=ascii)
def test_settings_in_every_encoding(tmp_path: Path, encoding: str, end: str) -> None:
    """Lists of URLs, checksum files, and settings in each format."""
    for name, text in (
        ('a.toml', 'retries = 7\nuser_agent = "é"\n'),
        ('a.yaml', 'retries: 7\nuser_agent: é\n'),
        ('a.json', '{"retries": 7,\n"user_agent": "é"}\n'),
    ):
        (tmp_path / name).write_bytes(text.replace('\n', end).encode(encoding))
        manager = dm.DownloadManager(config=tmp_path / name)
        assert (manager.policy.retries, manager.policy.user_agent) == (7, 'é')


def test_another_encoding_is_refused_with_its_line(tmp_path: Path, run: RunCommand) -> None:
    """No encoding is guessed, because a wrong one would give another URL."""
    for name in ('urls.txt', 'm.toml', 'm.yaml', 'm.json'):
        (tmp_path / 'work' / name).write_bytes(b'# one\n# caf\xe9\n')
        fault = dm.read_manifest(tmp_path / 'work' / name).failure()
        assert name in str(fault)
        assert 'is not text in UTF-8 (line 2)' in str(fault)
        done = run('get', '-i', name)
        assert (done.returncode, 'line 2' in done.stderr) == (2, True)


def test_a_bad_line_of_a_list_is_named(tmp_path: Path) -> None:
    """The error names the file and the line number."""
    (tmp_path / 'urls.txt').write_text('http://h/a\n\nnonsense\n')
    _, item = dm.unwrap(dm.read_manifest(tmp_path / 'urls.txt'))
    assert 'urls.txt, line 3' in str(item.fault)


def test_lists_can_be_read_from_pipes(run: RunCommand, server: Server) -> None:
    """With a byte order mark, as PowerShell sends it."""
    url = server.on('/t.tsv', resource(BODY))
    done = run('get', '-i', '-', '-d', 'd', said=f'\ufeff{url}\r\n')
    assert (done.returncode, done.stdout) == (0, 'd/t.tsv\n')


Files = Callable[[str, str], Any]

BROKEN = [
    ('a.toml', f'x = 1\nretries = {MANY}\n', 'line 2'),
    ('a.json', f'{{"x": 1,\n"retries": {MANY}}}', 'line 2'),
    ('a.yaml', f'x: 1\nretries: {MANY}\n', 'line 2'),
    ('a.toml', f'retries = 0x{"f" * 5000}\n', 'retries'),
    ('a.yaml', f'retries: 0x{"f" * 5000}\n', 'retries'),
    ('a.toml', f'a = {"[" * 5000}{"]" * 5000}', 'nested'),
    ('a.json', '[' * 100_000 + ']' * 100_000, 'nested'),
    ('a.json', '{"a":' * 100_000 + '1' + '}' * 100_000, 'nested'),
    ('a.yaml', '[' * 5000 + ']' * 5000, 'nested'),
    ('a.json', '[' * (MAX_LEVELS + 2) + ']' * (MAX_LEVELS + 2), 'nested'),
    ('a.toml', f'{"a." * 2000}b = 1', 'nested'),
    ('a.yaml', 'a: &a [*a]', 'nested'),
    ('a.yaml', 'a: &a {b: *a}', 'nested'),
    ('a.json', '{"retries": 1, "retries": 2}', 'twice'),
    ('a.yaml', 'retries: 1\nretries: 2\n', 'twice'),
    ('a.toml', 'retries = 1\nretries = 2\n', 'line 2'),
    ('a.toml', 'timeout = inf\n', 'timeout'),
    ('a.toml', 'timeout = nan\n', 'timeout'),
    ('a.json', '{"timeout": 1e999}', 'timeout'),
    ('a.json', '{"timeout": NaN}', 'timeout'),
    ('a.yaml', 'timeout: .inf\n', 'timeout'),
    ('a.toml', 'timeout = 1e300\n', 'timeout'),
    ('a.toml', f'timeout = "{MANY}"\n', 'timeout'),
    ('a.toml', 'newer_than = 25:61:00\n', 'a.toml'),
    ('a.toml', 'newer_than = 07:32:00\n', 'newer_than'),
    ('a.yaml', 'newer_than: 2024-13-45\n', 'newer_than|a.yaml'),
    ('a.yaml', 'a: !!python/object/apply:os.system ["true"]', 'a.yaml'),
    ('a.yaml', 'a: \x07', 'a.yaml'),
    ('a.toml', 'a = "\0"', 'a.toml'),
]


@pytest.mark.parametrize(
    ('name', 'text', 'words'), BROKEN, ids=[f'{name}-{text[:24]!a}' for name, text, _ in BROKEN]
)
def test_a_fault_names_an_unreadable_file(tmp_path: Path, name: str, text: str, words: str) -> None:
    """As configuration, as a manifest, and as a descriptor: no other exception escapes."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(dm.RequestError, match=words) as caught:
        dm.DownloadManager(config=path)
    assert name in str(caught.value)
    read = dm.read_manifest(path)
    assert not isinstance(read.value_or(None), str)
    with pytest.raises(dm.RequestError):
        dm.Descriptor.from_file(path)


def test_aliases_do_not_grow_without_bound(tmp_path: Path) -> None:
    """Hundreds of millions of values in twelve lines."""
    lines = ['a0: &a0 [1,1,1,1,1,1,1,1,1]']
    lines += [f'a{n}: &a{n} [{",".join([f"*a{n - 1}"] * 9)}]' for n in range(1, 12)]
    (tmp_path / 'a.yaml').write_text('\n'.join(lines))
    assert 'aliases' in str(read_mapping(tmp_path / 'a.yaml').failure())


@pytest.mark.parametrize(
    'words',
    [
        {'retries': 10**5000},
        {'retries': -(10**5000)},
        {'timeout': 10**5000},
        {'timeout': float('nan')},
        {'max_bytes': 10**5000},
        {'rate': 10**5000},
        {'segments': 10**5000},
        {'max_per_host': 10**5000},
        {'user_agent': 10**5000},
        {'headers': {'a': 10**5000}},
        {'newer_than': 10**5000},
        {'checksum': 10**5000},
        {'check_method': 10**5000},
        {'verify': 10**5000},
    ],
    ids=lambda words: next(iter(words)),
)
def test_numbers_without_end_are_refused_by_name(words: dict[str, Any], tmp_path: Path) -> None:
    """In keywords and mappings, however they are shown or converted."""
    name = next(iter(words))
    for given in ({'config': words}, words):
        with pytest.raises(dm.RequestError, match=name):
            dm.DownloadManager(**given)


@pytest.mark.parametrize(
    'words',
    [
        {'query': {'a': 10**5000}},
        {'query': {10**5000: 'a'}},
        {'post': {'a': 10**5000}},
        {'json': {'a': 10**5000}},
        {'json': [float('inf')]},
        {'multipart': {'a': 10**5000}},
        {'url': 10**5000},
        {'method': 10**5000},
    ],
    ids=lambda words: next(iter(words)),
)
def test_numbers_without_end_are_refused_in_descriptors(words: dict[str, Any]) -> None:
    """Python cannot format them."""
    with pytest.raises(dm.RequestError):
        dm.Descriptor(**{'url': 'http://h/x', **words})


def test_numbers_without_end_in_the_environment(run: RunCommand) -> None:
    """The same holds on the command line."""
    done = run('config', DLMACHINE_RETRIES=MANY)
    assert (done.returncode, 'DLMACHINE_RETRIES' in done.stderr) == (2, True)
    for words in (
        ['--retry', MANY],
        ['--max-bytes', MANY],
        ['--rate', MANY],
        ['--json-data', MANY],
        ['--json-data', '[' * 100_000],
    ):
        done = run('get', 'http://127.0.0.1:9/x', *words)
        assert (done.returncode, 'Traceback' in done.stderr) == (2, False), words


def test_yaml_words_stay_strings(tmp_path: Path) -> None:
    """The country NO, a time, a zip code; and yes for a switch."""
    (tmp_path / 'd.yaml').write_text(
        'url: http://h/x\nverify: no\npost: yes\n'
        'query: {country: NO, time: 12:30:45, zip: 0123, flag: true, on: off}\n'
    )
    made = dm.Descriptor.from_file(tmp_path / 'd.yaml')
    assert made.method == 'POST'
    assert made.tls.verify is False
    assert dict(made.body.pairs) == {  # type: ignore[union-attr]
        'country': 'NO', 'time': '12:30:45', 'zip': '123', 'flag': 'True', 'on': 'off',
    }  # fmt: skip


def test_a_path_that_is_not_a_file_is_reported(tmp_path: Path) -> None:
    """A folder, a file that is too large, and an endless one."""
    (tmp_path / 'a.toml').mkdir()
    (tmp_path / 'list.txt').mkdir()
    with (tmp_path / 'large.txt').open('wb') as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    os.symlink('/dev/zero', tmp_path / 'zero.json')
    for name, words in (
        ('a.toml', 'directory'),
        ('list.txt', 'directory'),
        ('large.txt', 'larger than'),
        ('zero.json', 'larger than'),
    ):
        fault = dm.read_manifest(tmp_path / name).failure()
        assert name in str(fault)
        assert words in str(fault).lower()


def test_a_manifest_of_a_hundred_thousand_is_read(tmp_path: Path) -> None:
    """The limits leave room for real manifests."""
    entries = {f'n{number}': f'http://h/{number}' for number in range(100_000)}
    (tmp_path / 'm.json').write_text(json.dumps(entries))
    assert len(dm.unwrap(dm.read_manifest(tmp_path / 'm.json'))) == 100_000
