"""One folder, two programs: cachedir finds dlmachine's entries, and dlmachine finds cachedir's."""

import gzip
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.entries import Status
from dlmachine_adapters.cachedir.lazy_cachedir import open_cached
from dlmachine_adapters.cachedir.store import CachedirStore
from dlmachine_adapters.fakes import ManualClock
from tests.adapters.stores import AT, DATA, URL, Shelf, a_target, plain_cache, write_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / 'cache'


@pytest.fixture
def shelf(folder: Path) -> Iterator[Shelf]:
    """A store on that folder."""
    store = CachedirStore(str(folder), ManualClock())
    yield Shelf(store, write_file, lambda path: Path(path).exists())
    store.close()


# --- cachedir finds dlmachine's entries ----------------------------------------


@pytest.mark.parametrize('is_theirs', [True, False])
def test_cachedir_finds_our_entry_in_every_way(shelf: Shelf, folder: Path, is_theirs: bool) -> None:
    """By key, by parameters, by attributes, whichever program created the registry."""
    if is_theirs:
        with plain_cache(folder):
            pass
    update = shelf.put()
    params = {'dlmachine': update.key}
    with plain_cache(folder) as cache:
        found = [
            cache.by_key(update.item_id, 1),
            cache.best('', params=dict(params)),
            *cache.search(params=dict(params)),
            *cache.search(attrs={'url': URL}),
            *cache.search(attrs={'sha256': update.record.sha256}),
            *cache.search(attrs={'size': len(DATA)}),
            *cache.search(attrs={'size>': 1, 'http_code': 200}),
            *cache.search(attrs={'download_started': '2024-05-01 11:59:58'}),
            *cache.search(filename='t.csv'),
            *cache.search(newer_than='2000-01-01'),
        ]

        assert [item.version_id for item in found] == [f'{update.item_id}-1'] * 10
        item = found[0]
        assert item.path == update.path
        assert item.uri == URL
        assert item.status == Status.READY.value
        assert (item.ext, item.filename, item.size) == ('csv', 't.csv', len(DATA))
        assert item.attrs['etag'] == '"v1"'
        assert item.attrs['dlmachine']['sha256'] == update.record.sha256
        assert item.attrs['dlmachine']['response_headers'][0] == ['Content-Type', 'text/csv']
        assert item.date == AT.astimezone().strftime('%Y-%m-%d %H:%M:%S')
        assert 'READY' in repr(item)


def test_cachedir_opens_our_entry(shelf: Shelf, folder: Path) -> None:
    """With the extension, which it needs."""
    update = shelf.put()
    with plain_cache(folder) as cache:
        opener = cache.by_key(update.item_id, 1).open(ext='csv')
        lines = list(opener.result)
        opener.close()

    assert lines == ['a,b\n', '1,2\n']
    assert shelf.see().entries[0].record == update.record


def test_cachedir_cleans_what_it_should(shelf: Shelf, folder: Path) -> None:
    """Rows without files and files without rows; complete entries stay."""
    kept, lost = shelf.put(), shelf.put(target=a_target('https://example.org/other.csv'))
    Path(lost.path).unlink()
    with plain_cache(folder) as cache:
        assert set(cache.contents()) == {f'{kept.item_id}-1', f'{lost.item_id}-1'}
        cache.clean_db()
        cache.clean_disk()
        assert set(cache.contents()) == {f'{kept.item_id}-1'}

    assert shelf.see().entries[0].is_usable


def test_cachedir_keeps_the_best_of_our_versions(shelf: Shelf, folder: Path) -> None:
    """`autoclean` leaves the newest, and dlmachine sees that."""
    updates = [shelf.put(number) for number in (1, 2, 3)]
    with plain_cache(folder) as cache:
        cache.autoclean()
    entries = shelf.see().entries

    assert [entry.version for entry in entries] == [3]
    assert [Path(update.path).exists() for update in updates] == [False, False, True]


@pytest.mark.parametrize('keep_record', [True, False])
def test_cachedir_removes_our_entry(shelf: Shelf, folder: Path, keep_record: bool) -> None:
    """Its file is removed, and dlmachine sees the rest."""
    update = shelf.put()
    with plain_cache(folder) as cache:
        cache.by_key(update.item_id, 1).remove(disk=True, keep_record=keep_record)
    entries = shelf.see().entries

    assert not Path(update.path).exists()
    assert [entry.status for entry in entries] == ([Status.DELETED] if keep_record else [])


def test_cachedir_may_change_a_status(shelf: Shelf, folder: Path) -> None:
    """An entry that is marked as failed is not used."""
    update = shelf.put()
    with plain_cache(folder) as cache:
        cache.by_key(update.item_id, 1).failed()

    assert [entry.is_usable for entry in shelf.see().entries] == [False]


@pytest.mark.parametrize(
    'name', ['README', 'x.tar.gz', 'x.vcf.gz', 'odd. ending', '.hidden', 'a.b.C']
)
def test_cachedir_and_we_agree_where_a_file_lies(shelf: Shelf, folder: Path, name: str) -> None:
    """For any file name from a server."""
    update = shelf.put(filename=name)
    with plain_cache(folder) as cache:
        assert cache.by_key(update.item_id, 1).path == update.path
        assert cache.by_key(update.item_id, 1).size == len(DATA)


# --- dlmachine finds cachedir's entries ----------------------------------------


def _store_as_cachedir(folder: Path, url: str, **known: Any) -> str:
    with plain_cache(folder) as cache:
        item = cache.create(url, **known)
        write_file(item.path, DATA)
        item.ready()
        return str(item.path)


def _store_as_original(folder: Path, url: str, query: Any = None, **known: Any) -> str:
    """What dlmachine 0.0.3 writes to the cache during a download."""
    dl_params = {} if query is None else {'query': query}
    with plain_cache(folder) as cache:
        item = cache.best_or_new(
            uri=url,
            params={'dl_params': {**dl_params, 'headers': []}},
            attrs={'dl_descriptor': {'url': url, 'headers': [], 'followlocation': True}},
            new_status=0,
            status={1, 3},
        )
        item.status = 1
        item.update_date('download_started')
        write_file(item.path, DATA)
        item.status = 3
        item.update_date('download_finished')
        item.accessed()
        attrs = {
            'resp_headers': {'ETag': '"v1"', 'Set-Cookie': 'id=s3cret'},
            'url': url, 'download_method': 'GET', 'sha256': sha256(DATA).hexdigest(),
            'size': len(DATA), 'http_code': 200, 'etag': '"v1"', 'query_params': query,
        }  # fmt: skip
        item.update(attrs={**attrs, **known}, file_name='t.csv', ext='.csv')
        return str(item.version_id)


def test_we_find_what_a_user_of_cachedir_stored(shelf: Shelf, folder: Path) -> None:
    """Under the URL alone; the digest of its bytes is unknown."""
    path = _store_as_cachedir(folder, URL)
    (entry,) = shelf.see().entries

    assert (entry.path, entry.version, entry.is_own) == (path, 1, False)
    assert (entry.record, entry.size_bytes, entry.file_bytes) == (None, None, len(DATA))
    assert entry.is_usable
    assert abs(entry.stored_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_we_find_what_was_moved_in(shelf: Shelf, folder: Path, tmp_path: Path) -> None:
    """By `move_in`, with its attributes."""
    write_file(str(tmp_path / 'mine.csv'), DATA)
    with plain_cache(folder) as cache:
        attrs = {'size': len(DATA), 'sha256': sha256(DATA).hexdigest()}
        cache.move_in(str(tmp_path / 'mine.csv'), uri=URL, attrs=attrs, status=3)
    (entry,) = shelf.see().entries

    assert entry.is_usable
    assert entry.record is not None
    assert entry.record.sha256 == sha256(DATA).hexdigest()


@pytest.mark.parametrize('query', [None, {'b': 2, 'a': 'x y'}])
def test_we_find_what_the_original_stored(shelf: Shelf, folder: Path, query: Any) -> None:
    """With size, digest and validators, and with its query."""
    version_id = _store_as_original(folder, URL, query)
    (entry,) = shelf.see(a_target(query=query)).entries

    assert entry.path == str(folder / f'{version_id}.csv')
    assert not entry.is_own
    assert entry.is_usable
    assert entry.record is not None
    assert (entry.record.etag, entry.record.size_bytes) == ('"v1"', len(DATA))
    assert dict(entry.record.response_headers) == {'ETag': '"v1"', 'Set-Cookie': '***'}


def test_the_last_word_of_the_original_counts(shelf: Shelf, folder: Path) -> None:
    """It adds a new attribute at each update, beside the old one."""
    _store_as_original(folder, URL)
    with plain_cache(folder) as cache:
        cache.search(uri=URL, params={'dl_params': {'headers': []}})[0].update(
            attrs={'etag': '"v2"'}
        )
    (entry,) = shelf.see().entries

    assert entry.record is not None
    assert entry.record.etag == '"v2"'


@pytest.mark.parametrize(
    ('stored', 'asked'),
    [
        ({'a': 'b,c=d'}, {'a': 'b', 'c': 'd'}),
        ({'a': 'b', 'c': 'd'}, {'a': 'b,c=d'}),
        ({'a': [1, 2]}, {'a': '[1,2]'}),
        ({'a': None}, {'a': 'None'}),
        ({'a': True}, {'a': 'True'}),
    ],
)
def test_requests_with_one_cachedir_id_are_distinguished(
    shelf: Shelf, folder: Path, stored: Any, asked: Any
) -> None:
    """They have one item id, but different responses."""
    _store_as_original(folder, URL, stored)

    assert shelf.see(a_target(query=asked)).entries == ()


def test_a_url_that_only_reads_like_another_is_another(shelf: Shelf, folder: Path) -> None:
    """The text of `_uri=x,a=1` may be two parameters, or one URL."""
    with plain_cache(folder) as cache:
        item = cache.create('https://example.org/x', params={'a': '1'}, status=3)
        write_file(item.path, DATA)
    target = a_target('https://example.org/x,a=1')
    with plain_cache(folder) as cache:
        assert cache.best('https://example.org/x,a=1') is not None

    assert shelf.see(target).entries == ()


@pytest.mark.parametrize(
    'described',
    [
        {'headers': {'Accept': 'text/csv'}},
        {'query': {'a': 1}},
        {'query': {'a': 1}, 'post': True},
        {'data': b'x'},
    ],
)
def test_other_requests_for_the_url_find_nothing(
    shelf: Shelf, folder: Path, described: Any
) -> None:
    """An entry under a bare URL matches only a bare GET."""
    _store_as_cachedir(folder, URL)
    _store_as_original(folder, URL)

    assert shelf.see(a_target(**described)).entries == ()


@pytest.mark.parametrize('url', ['https://example.org', 'https://example.org/'])
def test_a_root_has_two_spellings(shelf: Shelf, folder: Path, url: str) -> None:
    """With and without its slash."""
    _store_as_cachedir(folder, url)

    assert len(shelf.see(a_target('https://example.org')).entries) == 1


def test_ours_outranks_theirs(shelf: Shelf, folder: Path) -> None:
    """Both are found; dlmachine's come last, like the newest."""
    _store_as_cachedir(folder, URL)
    shelf.put()

    assert [entry.is_own for entry in shelf.see().entries] == [False, True]


@pytest.mark.parametrize('status', [0, 1, 2, -1, -2, 99])
def test_what_is_not_ready_is_not_used(shelf: Shelf, folder: Path, status: int) -> None:
    """With any status of cachedir, present or future."""
    with plain_cache(folder) as cache:
        item = cache.create(URL)
        write_file(item.path, DATA)
        cache.con.execute(f'UPDATE main SET status = {status}')
        cache.con.commit()

    assert [entry.is_usable for entry in shelf.see().entries] == [False]


@pytest.mark.parametrize(
    'change',
    ["version = 'x'", 'version = NULL', "version_id = '../x'", "ext = '../../x'", 'date = NULL',
     'file_name = NULL', "date = 'soon'"],
)  # fmt: skip
def test_rows_that_make_no_sense_do_no_harm(shelf: Shelf, folder: Path, change: str) -> None:
    """They are skipped, or reduced to their valid columns."""
    _store_as_cachedir(folder, URL)
    with plain_cache(folder) as cache:
        cache.con.execute(f'UPDATE main SET {change}')
        cache.con.commit()
    seen = shelf.see()

    assert seen.fault is None
    assert all(Path(entry.path).parent == folder for entry in seen.entries)


# --- the opener --------------------------------------------------------------


def test_archives_are_opened(tmp_path: Path) -> None:
    """As lines (gz), or as members (zip and tar)."""
    plain = tmp_path / 'm.txt'
    plain.write_bytes(b'a\nb\n')
    (tmp_path / 'x.gz').write_bytes(gzip.compress(b'a\nb\n'))
    with tarfile.open(tmp_path / 'x.tgz', 'w:gz') as tar:
        tar.add(plain, 'm.txt')
    with zipfile.ZipFile(tmp_path / 'x.zip', 'w') as archive:
        archive.write(plain, 'm.txt')
    opened = open_cached(str(tmp_path / 'x.gz'), 'gz')

    assert next(opened) == 'a\n'
    assert list(opened) == ['b\n']
    for ext in ('vcf.gz', '.TSV.BGZ', 'bgz'):
        assert open_cached(str(tmp_path / 'x.gz'), ext, large=False) == b'a\nb\n'
    for name, ext in (('x.tgz', 'tar.gz'), ('x.tgz', 'tgz'), ('x.zip', '.ZIP')):
        members = open_cached(str(tmp_path / name), ext, large=False)
        assert members == {'m.txt': b'a\nb\n'}
