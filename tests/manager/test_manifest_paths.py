"""Entries with a path in the folder of a batch, a base URL and variables, and checksum files."""

from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.spec.destination import AtPath, InMemory
from tests.fixtures import MakeManager
from tests.servers.behaviours import resource
from tests.servers.http import Server

BODY, OTHER = b'id\tscore\nP1\t1\n', b'id\tscore\nP2\t2\n'

MANIFEST = """
base_url = "{url}/v{{version}}/"

[variables]
version = "1.2"

[table]
url = "data/t.tsv"
path = "tables/{{version}}/first.tsv"

[plain]
url = "data/u.tsv"
"""


@pytest.fixture
def manifest(server: Server, tmp_path: Path) -> Path:
    """Two files below a base URL; one has a path."""
    server.on('/v1.2/data/t.tsv', resource(BODY))
    server.on('/v1.2/data/u.tsv', resource(OTHER))
    path = tmp_path / 'data.toml'
    path.write_text(MANIFEST.format(url=server.url('')), encoding='utf-8')
    return path


def items_of(path: Path, **options: Any) -> tuple[dm.Item, ...]:
    """The entries of a manifest."""
    return dm.unwrap(dm.read_manifest(path, **options))


def test_a_path_is_the_place_in_the_folder(
    make_manager: MakeManager, manifest: Path, tmp_path: Path
) -> None:
    """An entry without one has the name of its URL; the name of an entry is its label."""
    items, folder = items_of(manifest), tmp_path / 'data'

    results = make_manager().download_all(items, folder)

    assert [item.name for item in items] == ['table', 'plain']
    assert [item.path for item in results] == [
        str(folder / 'tables' / '1.2' / 'first.tsv'),
        str(folder / 'u.tsv'),
    ]
    assert (folder / 'tables/1.2/first.tsv').read_bytes() == BODY


def test_one_call_takes_the_same_path(
    make_manager: MakeManager, manifest: Path, tmp_path: Path
) -> None:
    """`fetch`, `plan` and `audit`, into a folder that is there, or is named with a slash."""
    item, _ = items_of(manifest)
    manager = make_manager()
    path = str(tmp_path / 'data' / 'tables' / '1.2' / 'first.tsv')

    planned = manager.plan(item, f'{tmp_path}/data/')
    (row,) = manager.audit([item], tmp_path / 'data')
    (configured,) = make_manager(dest=f'{tmp_path}/data/').audit([item])

    assert planned.destination == AtPath(path)
    assert (row.path, configured.path) == (path, path)
    assert manager.download(item, f'{tmp_path}/data/') == path
    assert manager.download(item, tmp_path / 'data') == path
    assert manager.download(item, tmp_path / 'x.tsv') == str(tmp_path / 'x.tsv')
    assert manager.plan(item, False).destination == InMemory()


def test_the_audit_of_a_folder_names_the_files_of_the_batch(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Also numbered ones, and those that make room for the path of a later entry."""
    urls: list[Any] = [server.on(f'/{name}/t.tsv', resource(BODY)) for name in 'ab']
    targets = [*urls, {'url': urls[0], 'path': 't.tsv'}]
    manager = make_manager()

    audited = [row.path for row in manager.audit(targets, tmp_path / 'data')]
    results = manager.download_all(targets, tmp_path / 'data')

    assert audited == [str(tmp_path / 'data' / name) for name in ('t-2.tsv', 't-3.tsv', 't.tsv')]
    assert [item.path for item in results] == audited


def test_a_folder_that_has_the_path_of_an_entry_is_refused(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """No file is put into it under another name; nor is one whose URL has the name of a folder."""
    url, folder = server.on('/sub', resource(BODY)), tmp_path / 'data'
    (folder / 'sub').mkdir(parents=True)
    problem = 'sub: is a folder, and the file cannot have its name'

    for target in ({'url': url, 'path': 'sub'}, url):
        (row,) = make_manager().audit([target], folder)
        (item,) = make_manager().download_all([target], folder)
        assert problem in str(row.fault)
        assert problem in str(item.fault)
    assert not server.asked
    assert list((folder / 'sub').iterdir()) == []


def test_entries_may_be_dicts(make_manager: MakeManager, server: Server, tmp_path: Path) -> None:
    """With any keyword of an entry; a bad one is one failure among the others."""
    url = server.on('/t.tsv', resource(BODY))
    entries: list[dict[str, object]] = [
        {'url': url, 'checksum': md5(BODY).hexdigest(), 'path': 'a/t.tsv', 'name': 'first'},
        {'url': 't.tsv', 'base_url': server.url('/'), 'checksum': sha256(OTHER).hexdigest()},
        {'url': url, 'retires': 1},
        {'url': url, 'path': '../t.tsv'},
    ]

    done = make_manager().download_all(entries, tmp_path / 'data')
    one_by_one = list(make_manager().download_many(iter(entries), tmp_path / 'other'))

    assert [item.ok for item in done] == [True, False, False, False]
    assert (tmp_path / 'data' / 'a' / 't.tsv').read_bytes() == BODY
    assert [item.fault.code for item in done.failed] == [
        'digest_mismatch', 'unknown_name', 'invalid_input',
    ]  # fmt: skip
    assert str(done[3].fault).endswith('Pass dest= for a file elsewhere')
    assert sorted(item.index for item in one_by_one if item.ok) == [0]
    outcome = make_manager().fetch(entries[0], False)
    assert outcome.record.sha256 == sha256(BODY).hexdigest()


def test_dicts_with_one_path_are_refused_together(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Before anything is downloaded; of an iterator, the second one is a failure."""
    url = server.on('/t.tsv', resource(BODY))
    entries: list[dict[str, object]] = [
        {'url': url, 'path': 'a/t.tsv', 'name': 'first'},
        {'url': server.url('/u.tsv'), 'path': 'A/T.tsv', 'name': 'second'},
    ]
    problem = "entry 'second' has the path 'A/T.tsv', which is that of entry 'first'"

    with pytest.raises(dm.RequestError, match=problem):
        make_manager().download_all(entries, tmp_path / 'data')
    with pytest.raises(dm.RequestError, match=problem):
        make_manager().download_many(entries, tmp_path / 'data')
    assert not server.asked

    first, second = make_manager().download_many(iter(entries), tmp_path / 'data')
    done, failed = sorted((first, second), key=lambda item: item.index)
    assert done.ok
    assert problem in str(failed.fault)
    assert [asked.path for asked in server.asked] == ['/t.tsv']


def test_without_a_folder_a_path_has_no_meaning(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """In the cache two entries may have one."""
    entries = [{'url': server.on(f'/{n}', resource(BODY)), 'path': 't.tsv'} for n in range(2)]

    done = make_manager(tmp_path / 'cache').download_all(entries)

    assert [Path(str(item.path)).parent for item in done] == 2 * [tmp_path / 'cache']


def test_a_link_does_not_lead_out_of_the_folder(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """Unless it is allowed; a link within the folder may be used."""
    url = server.on('/t.tsv', resource(BODY))
    for name in ('data/in', 'elsewhere'):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / 'data/out').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'data/also').symlink_to('in')
    path = tmp_path / 'l.toml'
    path.write_text(
        f'a = {{url = "{url}", path = "out/t.tsv"}}\nb = {{url = "{url}", path = "also/t.tsv"}}\n'
    )

    out, also = make_manager().download_all(items_of(path), tmp_path / 'data')
    allowed, _ = make_manager().download_all(items_of(path, allow_outside=True), tmp_path / 'data')

    assert "path 'out/t.tsv' of entry 'a' leads outside the folder" in str(out.fault)
    assert also.ok
    assert allowed.ok
    assert (tmp_path / 'elsewhere' / 't.tsv').read_bytes() == BODY


def test_a_path_outside_is_used_if_it_is_allowed(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """An absolute one, too."""
    url = server.on('/t.tsv', resource(BODY))
    path = tmp_path / 'l.toml'
    path.write_text(
        f'a = {{url = "{url}", path = "../a.tsv"}}\nb = {{url = "{url}", path = "{tmp_path}/b.tsv"}}\n'
    )

    refused = make_manager().download_all(items_of(path), tmp_path / 'data')
    done = make_manager().download_all(items_of(path, allow_outside=True), tmp_path / 'data')

    assert [item.ok for item in refused] == [False, False]
    assert [item.ok for item in done] == [True, True]
    assert (tmp_path / 'a.tsv').exists()
    assert (tmp_path / 'b.tsv').exists()


@pytest.mark.parametrize(
    'text',
    [
        f'{sha256(BODY).hexdigest()}  data/t.tsv\n{sha256(OTHER).hexdigest()} *data/u.tsv\n',
        f'data/t.tsv {sha256(BODY).hexdigest()}\ndata/u.tsv md5:{md5(OTHER).hexdigest()}\n',
        f'# pooch\ndata/t.tsv md5:{md5(BODY).hexdigest()} {{url}}/v1.2/data/t.tsv\ndata/u.tsv {sha256(OTHER).hexdigest()}\n',
    ],
    ids=['SHA256SUMS', 'registry', 'registry with URLs'],
)
def test_a_checksum_file_is_a_manifest(
    make_manager: MakeManager, manifest: Path, server: Server, tmp_path: Path, text: str
) -> None:
    """Its names are paths, and URLs relative to the base URL; its digests are checked."""
    path = tmp_path / 'sums'
    path.write_text(text.replace('{url}', server.url('')), encoding='utf-8')

    items = items_of(path, base_url=server.url('/v1.2/'))
    done = make_manager().download_all(items, tmp_path / 'data')

    assert [item.path for item in done] == [str(tmp_path / f'data/data/{n}.tsv') for n in 'tu']
    assert all(item.policy.checksum for item in items)
    assert (tmp_path / 'data/data/u.tsv').read_bytes() == OTHER


def test_the_base_url_of_an_entry_counts_before_that_of_the_file(tmp_path: Path) -> None:
    """And that before the one of the call."""
    path = tmp_path / 'l.toml'
    path.write_text(
        '[defaults]\nbase_url = "http://file/"\n[a]\nurl = "t"\n[b]\nurl = "t"\nbase_url = "http://entry/"'
    )

    items = items_of(path, base_url='http://call/')

    assert [item.url for item in items] == ['http://file/t', 'http://entry/t']


@pytest.mark.parametrize('digits', [32, 40, 64, 128])
def test_bare_hex_digits_are_a_checksum(digits: int) -> None:
    """Their number names the algorithm."""
    names = {32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512'}
    policy = dm.DownloadManager(checksum=digits * 'A', progress=False).policy

    assert str(policy.checksum) == f'{names[digits]}:{digits * "a"}'


def test_a_repeated_line_is_the_same_download(
    make_manager: MakeManager, manifest: Path, server: Server, tmp_path: Path
) -> None:
    """Both have the same success, by one request; other bytes for the path are refused."""
    line, other = (f'{sha256(one).hexdigest()}  data/t.tsv\n' for one in (BODY, OTHER))
    sums = tmp_path / 'SHA256SUMS'
    sums.write_text(line * 2)
    folder, asked = tmp_path / 'data', len(server.asked)

    items = items_of(sums, base_url=server.url('/v1.2/'))
    done = make_manager().download_all(items, folder)
    assert [item.path for item in done] == [str(folder / 'data/t.tsv')] * 2
    assert len(server.asked) - asked == 1
    report = make_manager().sync(sums, folder, base_url=server.url('/v1.2/'))
    assert (len(report.results), report.results.failed, report.is_written) == (1, (), True)
    assert len(server.asked) - asked == 1

    sums.write_text(line + other)
    read = dm.read_manifest(sums, base_url=server.url('/v1.2/'))
    assert "which is that of entry 'data/t.tsv'" in str(read.failure())
