"""The manager end to end, with both backends, over real sockets on loopback."""

import gzip
import io
import os
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.cache.entries import Status
from dlmachine.core.protocol.outcome import Origin
from dlmachine.errors import (
    AuthError,
    IntegrityError,
    NetworkError,
    NotFoundError,
    OfflineMissError,
    RequestError,
    ServerError,
)
from dlmachine.manager import DownloadManager
from dlmachine.options.types import CheckMethodName
from tests.fixtures import MakeManager
from tests.servers.behaviours import echo, in_turn, redirect, resource, respond, short
from tests.servers.http import Server

BODY = b'protein\tscore\n' * 5_000
OTHER = b'other\n' * 100


def test_memory_is_the_default_without_a_cache(make_manager: MakeManager, server: Server) -> None:
    """Without a cache the result is a buffer, at its beginning."""
    buffer = make_manager().download(server.on('/x', resource(BODY)))

    assert isinstance(buffer, io.BytesIO)
    assert buffer.read() == BODY


def test_second_download_is_served_from_the_cache(manager: DownloadManager, server: Server) -> None:
    """A stored copy is used without a request."""
    url = server.on('/t.tsv', resource(BODY))

    first, second = manager.download(url), manager.download(url)

    assert isinstance(first, str)
    assert first == second
    assert Path(first).read_bytes() == BODY
    assert len(server.asked) == 1


def test_dest_false_is_memory_even_with_a_cache(manager: DownloadManager, server: Server) -> None:
    """`dest=False` gives a buffer and leaves the cache alone."""
    buffer = manager.download(server.on('/x', resource(BODY)), dest=False)

    assert isinstance(buffer, io.BytesIO)
    assert buffer.read() == BODY
    assert not Path(manager.config.path or '').exists()


@pytest.mark.parametrize('kind', [str, Path])
def test_a_path_is_forced(
    manager: DownloadManager, server: Server, tmp_path: Path, kind: type
) -> None:
    """A file at a path is downloaded each time, and replaced atomically."""
    url, target = server.on('/x', in_turn(resource(BODY), resource(OTHER))), tmp_path / 'new' / 'x'

    assert manager.download(url, dest=kind(target)) == str(target)
    assert target.read_bytes() == BODY
    assert manager.download(url, dest=kind(target)) == str(target)
    assert target.read_bytes() == OTHER
    assert sorted(os.listdir(target.parent)) == ['.dlmachine', 'x']


def test_a_folder_takes_the_name_from_the_response(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Content-Disposition names the file; unsafe characters of the name are replaced."""
    said = (('Content-Disposition', 'attachment; filename="../../evil table.csv"'),)
    url = server.on('/get', resource(BODY, fields=said))

    assert manager.download(url, dest=tmp_path) == str(tmp_path / 'evil table.csv')
    new = f'{tmp_path}/sub/'
    assert (
        manager.download(server.on('/d/t.csv', resource(BODY)), dest=new) == f'{tmp_path}/sub/t.csv'
    )


def test_an_error_leaves_the_old_file(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A failed download changes no existing file, and leaves no other."""
    target = tmp_path / 'out' / 'x'
    target.parent.mkdir()
    target.write_bytes(b'old')
    manager = make_manager(retries=1)

    for url, error in (
        (server.on('/404', respond(404, body=b'<html>')), NotFoundError),
        (server.on('/401', respond(401, body=b'<html>')), AuthError),
        (server.on('/503', respond(503, body=b'<html>')), ServerError),
        (server.on('/short', short(BODY, len(BODY) + 10)), NetworkError),
    ):
        with pytest.raises(error):
            manager.download(url, dest=target)

        assert target.read_bytes() == b'old'
        assert os.listdir(target.parent) == ['x']


def test_a_failed_refresh_leaves_the_stored_version(
    manager: DownloadManager, server: Server
) -> None:
    """After a failed refresh the old version is served as before."""
    url = server.on('/x', in_turn(resource(BODY), respond(500, body=b'no'), respond(404)))
    stored = manager.download(url)

    with pytest.raises(dm.DownloadError):
        manager.download(url, force_download=True, retries=0)
    with pytest.raises(dm.DownloadError):
        manager.download(url, check_freshness=True, retries=0)

    assert manager.download(url) == stored
    assert Path(str(stored)).read_bytes() == BODY


def test_revalidation_costs_one_request_and_no_body(
    manager: DownloadManager, server: Server
) -> None:
    """304: the same file; the record says when the server confirmed it."""
    url = server.on('/x', resource(BODY, etag='"v1"'))
    stored = manager.fetch(url)

    again = manager.fetch(url, check_freshness=True)

    assert [asked.get('If-None-Match') for asked in server.asked] == [None, '"v1"']
    assert (again.path, again.origin, again.is_validated) == (stored.path, Origin.CACHE, True)
    assert again.record is not None
    assert again.record.validated_at is not None
    known = manager.fetch(url).record
    assert known is not None
    assert known.validated_at == again.record.validated_at


@pytest.mark.parametrize('method', ['auto', 'etag', 'modified', 'size', 'hash'])
def test_a_changed_file_becomes_a_new_version(
    manager: DownloadManager, server: Server, method: CheckMethodName
) -> None:
    """A change is noticed by every check method, and the old version is kept."""
    old = resource(BODY, etag='"v1"', last_modified='Wed, 01 May 2024 10:00:00 GMT')
    new = resource(OTHER, etag='"v2"', last_modified='Thu, 02 May 2024 10:00:00 GMT')
    url = server.on('/x', in_turn(old, new))
    first = manager.fetch(url)

    second = manager.fetch(url, check_freshness=True, check_method=method)

    assert (first.version, second.version) == (1, 2)
    assert Path(str(first.path)).read_bytes() == BODY
    assert Path(str(second.path)).read_bytes() == OTHER


@pytest.mark.parametrize('method', ['auto', 'etag', 'modified', 'size', 'hash'])
def test_an_unchanged_file_stays_one_version(
    manager: DownloadManager, server: Server, method: CheckMethodName
) -> None:
    """By every check method, the same bytes make no new version, even without validators."""
    url = server.on('/x', resource(BODY))
    manager.fetch(url)

    again = manager.fetch(url, check_freshness=True, check_method=method)

    assert (again.version, again.origin, again.is_validated) == (1, Origin.CACHE, True)


def test_keep_old_false_removes_earlier_versions(manager: DownloadManager, server: Server) -> None:
    """A refresh with `keep_old=False` leaves one version."""
    url = server.on('/x', in_turn(resource(BODY), resource(OTHER)))
    first = manager.fetch(url)

    second = manager.fetch(url, force_download=True, keep_old=False)

    assert second.version == 2
    assert not Path(str(first.path)).exists()
    assert Path(str(second.path)).read_bytes() == OTHER


def test_date_windows_choose_a_version(manager: DownloadManager, server: Server) -> None:
    """`older_than` finds the earlier version, `newer_than` the later, or downloads."""
    url = server.on('/x', in_turn(resource(BODY), resource(OTHER), resource(b'third')))
    first = manager.fetch(url)
    between = datetime.now(UTC)
    second = manager.fetch(url, force_download=True)

    assert manager.fetch(url, older_than=between).version == first.version
    assert manager.fetch(url, newer_than=between).version == second.version
    assert manager.fetch(url, newer_than=datetime.now(UTC)).version == 3
    with pytest.raises(RequestError, match='no version older than'):
        manager.fetch(url, older_than='2001-01-01')


def test_a_vanished_file_is_fetched_again(manager: DownloadManager, server: Server) -> None:
    """An entry whose file is missing or has another size is not a hit."""
    url = server.on('/x', resource(BODY))
    stored = Path(str(manager.download(url)))
    stored.write_bytes(BODY[:10])

    again = manager.fetch(url)

    assert again.version == 2
    assert Path(str(again.path)).read_bytes() == BODY


def test_posts_by_their_bodies(manager: DownloadManager, server: Server) -> None:
    """Forms and JSON bodies are sent as such, and cached by their content."""
    url = server.on('/api', echo)

    def sent(**words: Any) -> bytes:
        return Path(str(manager.download(url, **words))).read_bytes()

    assert sent(query={'a': [1, 2]}, post=True) == b'a=1&a=2'
    assert sent(query={'a': [2, 1]}, post=True) == b'a=2&a=1'
    assert sent(query={'a': [1, 2]}, json=True) == b'{"a":[1,2]}'
    assert sent(query={'a': ['1', '2']}, json=True) == b'{"a":["1","2"]}'
    assert sent(query={'a': [1, 2]}, json=True) == b'{"a":[1,2]}'
    assert [asked.method for asked in server.asked] == ['POST'] * 4
    assert [asked.get('Content-Type') for asked in server.asked][1:3] == [
        'application/x-www-form-urlencoded',
        'application/json',
    ]


def test_multipart_sends_texts_and_files(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A path, and a text that names a file, are that file; other texts and bytes are content."""
    table = tmp_path / 'ids.txt'
    table.write_text('P1\nP2\n', encoding='utf-8')
    parts = {'by_path': table, 'by_name': str(table), 'text': 'plain', 'bytes': str(table).encode()}

    buffer = make_manager().download(server.on('/up', echo), multipart=parts)

    sent = buffer.read() if isinstance(buffer, io.BytesIO) else b''
    assert sent.count(b'P1\nP2\n') == 2
    assert sent.count(b'filename="ids.txt"') == 2
    assert b'plain' in sent
    assert str(table).encode() in sent


def test_mirrors_serve_what_the_first_does_not(manager: DownloadManager, server: Server) -> None:
    """After a dead host or a missing file the mirror is used; the record names it."""
    good, bad = server.on('/good', resource(BODY)), server.on('/bad', respond(404))
    words: dict[str, Any] = {'fallback_urls': [bad, good], 'retries': 0}

    outcome = manager.fetch('http://127.0.0.1:1/x', **words)

    assert outcome.record is not None
    assert (outcome.record.served_by, outcome.record.tries) == (good, 3)
    assert manager.fetch('http://127.0.0.1:1/x').origin is Origin.CACHE


def test_retries_count_after_the_first(make_manager: MakeManager, server: Server) -> None:
    """`retries=2` makes three attempts; success at the third is success."""
    url = server.on('/x', in_turn(respond(503), respond(503), resource(BODY)))

    assert make_manager().fetch(url, retries=2).tries == 3

    url = server.on('/y', respond(503))
    with pytest.raises(ServerError, match='after 2 requests'):
        make_manager().fetch(url, retries=1)


def test_checksums_are_held(manager: DownloadManager, server: Server) -> None:
    """The right digest passes with any algorithm; wrong bytes are requested twice at most.

    Nothing of them is kept.
    """
    url = server.on('/x', resource(BODY))
    right, other = sha256(BODY).hexdigest(), md5(BODY, usedforsecurity=False).hexdigest()

    with pytest.raises(IntegrityError, match='sha256 is'):
        manager.download(url, checksum='sha256:' + '0' * 64, retry_wait=0)
    assert manager.plan(url).entry is None
    assert manager.fetch(url, checksum=f'sha256:{right}').version == 1
    assert manager.fetch(url, checksum=f'md5:{other}').version == 1
    with pytest.raises(IntegrityError):
        manager.fetch(url, checksum='md5:' + '0' * 32, retry_wait=0)
    assert len(server.asked) == 5


def test_limits_are_held(make_manager: MakeManager, server: Server) -> None:
    """A body beyond `max_bytes` is refused, declared or not; a slow one exceeds its timeout."""
    with pytest.raises(ServerError, match='more than the 10 bytes'):
        make_manager().download(server.on('/x', resource(BODY)), max_bytes=10)


def test_offline_sends_nothing(manager: DownloadManager, server: Server) -> None:
    """Offline, a hit is served, and a miss says how to download it; no request is sent."""
    url = server.on('/x', resource(BODY))
    manager.download(url)

    assert manager.fetch(url, offline=True, check_freshness=True).origin is Origin.CACHE
    with pytest.raises(OfflineMissError, match='dlmachine get --cache'):
        manager.fetch(server.url('/never'), offline=True)
    assert len(server.asked) == 1


def test_redirects_drop_credentials(make_manager: MakeManager, server: Server) -> None:
    """A redirect is followed, but credentials are not sent to another origin."""
    with Server() as other:
        url = server.on('/r', redirect(other.on('/x', resource(BODY))))
        manager = make_manager()
        secret = {'Authorization': 'Bearer s3cr3t-t0ken', 'X-Id': '7'}

        outcome = manager.fetch(url, headers=secret)

        assert [asked.get('Authorization') for asked in other.asked] == [None]
        assert [asked.get('X-Id') for asked in other.asked] == ['7']
        assert outcome.record is not None
        assert outcome.record.urls == (url, other.url('/x'))
        assert 's3cr3t' not in outcome.record.to_json()


def test_eight_threads_make_one_request(manager: DownloadManager, server: Server) -> None:
    """Threads that request the same URL send one request; all get the file."""
    url, got = server.on('/x', resource(BODY)), []
    threads = [threading.Thread(target=lambda: got.append(manager.download(url))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 8
    assert len(set(got)) == 1
    assert len(server.asked) == 1


def test_the_cache_is_cachedirs(manager: DownloadManager, server: Server) -> None:
    """`manager.cache` is a live cachedir cache that finds the entries by their attributes."""
    url = server.on('/t.tsv', resource(BODY, etag='"v1"'))
    path = manager.download(url)

    assert manager.cache is not None
    (item,) = manager.cache.search(attrs={'url': url})
    assert (item.status, item.path) == (Status.READY.value, path)
    assert item.attrs['size'] == len(BODY)
    assert item.attrs['dlmachine']['etag'] == '"v1"'


def test_no_cache_no_registry(make_manager: MakeManager) -> None:
    """Without a cache, cachedir is not used."""
    assert make_manager().cache is None
    with pytest.raises(RequestError, match='needs a cache'):
        make_manager().open('http://127.0.0.1:1/x')


def test_open_reads_text_gz_and_zip(manager: DownloadManager, server: Server) -> None:
    """Its opener returns the lines of a text or gz file, and the members of an archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr('a.txt', 'one\n')
    text = server.on('/t.txt', resource(b'one\ntwo\n'))
    zipped = server.on('/t.txt.gz', resource(gzip.compress(b'one\ntwo\n')))
    members = server.on('/t.zip', resource(packed.getvalue()))

    assert list(manager.open(text)) == ['one\n', 'two\n']
    assert list(manager.open(zipped)) == ['one\n', 'two\n']
    assert manager.open(members, large=False, default_mode='rb') == {'a.txt': b'one\n'}


def test_gz_files_stay_as_they_are(manager: DownloadManager, server: Server) -> None:
    """A .gz served with Content-Encoding: gzip is stored as it is; a .csv is decoded."""
    coded = (('Content-Encoding', 'gzip'),)
    packed = gzip.compress(BODY)

    assert (
        Path(str(manager.download(server.on('/t.gz', resource(packed, fields=coded))))).read_bytes()
        == packed
    )
    assert (
        Path(
            str(manager.download(server.on('/t.csv', resource(packed, fields=coded))))
        ).read_bytes()
        == BODY
    )


def test_many_in_order_of_completion(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """Each item has its input; a bad input raises nothing and stops nothing."""
    good = [server.on(f'/f{number}', resource(BODY)) for number in range(20)]
    bad = [server.on('/404', respond(404)), 'no url', 'gopher://127.0.0.1/x']

    items = list(manager.download_many([*good, *bad], workers=4))

    assert {item.input for item in items if item.ok} == set(good)
    assert {item.input for item in items if not item.ok} == set(bad)
    assert sorted(item.index for item in items) == list(range(23))
    assert all(item.fault is not None for item in items if not item.ok)
    folder = list(manager.download_many(good[:3], dest=tmp_path / 'many'))
    assert {item.path for item in folder} == {str(tmp_path / 'many' / f'f{n}') for n in range(3)}
    with pytest.raises(RequestError, match='workers'):
        manager.download_many(good, workers=0)
    with pytest.raises(NotFoundError):
        next(item for item in items if item.input == bad[0]).unwrap()


def test_by_hand(manager: DownloadManager, server: Server) -> None:
    """Observe, plan and execute, called separately, do what `download` does."""
    desc, policy = dm.Descriptor(server.on('/x.tsv', resource(BODY))), manager.policy
    with manager.adapters() as world:
        plan = dm.plan(desc, policy, world.observe(desc, policy)).unwrap()
        assert not server.asked
        outcome = dm.execute(plan, world).unwrap()._inner_value

        assert tuple(effect for effect, _ in outcome.story) == plan.effects
        assert dm.execute(plan, world).unwrap()._inner_value.path == outcome.path
    assert len(server.asked) == 1


def test_unknown_words_are_refused(make_manager: MakeManager) -> None:
    """A wrong keyword raises, with the nearest known one, before anything happens."""
    with pytest.raises(RequestError, match="Did you mean 'retries'"):
        make_manager().download('http://127.0.0.1:1/', retires=1)  # type: ignore[call-overload]
    with pytest.raises(RequestError, match='belongs to the Descriptor'):
        make_manager().download(dm.Descriptor('http://127.0.0.1:1/'), query={'a': 1})
    with pytest.raises(RequestError, match='nearly|Did you mean'):
        make_manager(chek_freshness=True)


def test_default_headers_are_sent(make_manager: MakeManager, server: Server) -> None:
    """Headers of the manager are sent with every request, unless a call overrides them."""
    manager = make_manager(headers={'X-Who': 'lab', 'X-Id': '1'}, user_agent='lab/1')
    url = server.on('/x', echo)

    manager.download(url, headers={'X-Id': '2'})
    manager.download(dm.Descriptor(url))

    assert [(asked.get('X-Who'), asked.get('X-Id')) for asked in server.asked] == [
        ('lab', '2'),
        ('lab', '1'),
    ]
    assert server.asked[0].get('User-Agent') == 'lab/1'
    assert server.asked[0].get('Accept-Encoding') == 'identity'


def test_durations_may_be_timedeltas(make_manager: MakeManager) -> None:
    """Seconds and timedeltas are equivalent."""
    one, other = make_manager(timeout=90), make_manager(timeout=timedelta(seconds=90))

    assert one.policy == other.policy


def test_an_audit_by_plans_touches_nothing(
    make_manager: MakeManager, server: Server, tmp_path: Path
) -> None:
    """A thousand plans send no request and create no file or folder."""
    manager = make_manager(tmp_path / 'cache')

    assert all(manager.plan(server.url(f'/{number}')).is_download for number in range(1000))
    assert list(tmp_path.iterdir()) == []
    assert server.asked == []


def test_inputs_with_one_name_get_different_files(
    manager: DownloadManager, server: Server, tmp_path: Path
) -> None:
    """In a folder each download has its own file; a second `t.csv` is `t-2.csv`."""
    urls = [server.on(f'/{n}/t.tar.gz', resource(gzip.compress(bytes([n])))) for n in range(4)]

    items = list(manager.download_many([*urls, dm.Descriptor(urls[0])], dest=tmp_path))

    assert {Path(str(item.path)).name for item in items} == {
        't.tar.gz', 't-2.tar.gz', 't-3.tar.gz', 't-4.tar.gz',
    }  # fmt: skip
    for item in items:
        assert item.outcome is not None
        assert item.outcome.record is not None
        assert sha256(Path(str(item.path)).read_bytes()).hexdigest() == item.outcome.record.sha256


def test_one_url_is_not_many(manager: DownloadManager) -> None:
    """A string instead of a list is a mistake, not a list of letters."""
    with pytest.raises(RequestError, match='must be a list'):
        manager.download_many('http://127.0.0.1:1/x')


def test_destinations_of_other_types_are_refused(manager: DownloadManager) -> None:
    """A number is not a destination, and the error says so."""
    with pytest.raises(RequestError, match='dest must be a path'):
        manager.download('http://127.0.0.1:1/x', dest=5)  # type: ignore[call-overload]


def test_accepted_is_not_the_result(manager: DownloadManager, server: Server) -> None:
    """202 means that the result is not ready: the request is repeated, and the body is not stored."""
    url = server.on('/job', in_turn(respond(202, body=b'job queued'), resource(BODY)))

    assert Path(str(manager.download(url))).read_bytes() == BODY
    with pytest.raises(ServerError, match='202'):
        manager.download(server.on('/never', respond(202, body=b'queued')), retries=0)


def test_mirrors_elsewhere_get_no_credentials(make_manager: MakeManager, server: Server) -> None:
    """Credentials belong to the origin of the URL; other headers go to every mirror."""
    with Server() as other:
        mirror = other.on('/x', resource(BODY))
        words: dict[str, Any] = {
            'headers': {'Authorization': 'Bearer t', 'X-Id': '7'},
            'mirrors': [mirror],
        }
        make_manager().download(server.on('/x', respond(404)), **words)

        assert server.asked[0].get('Authorization') == 'Bearer t'
        assert [(asked.get('Authorization'), asked.get('X-Id')) for asked in other.asked] == [
            (None, '7')
        ]


def test_former_names_still_work(make_manager: MakeManager) -> None:
    """Each with a warning that names the present one."""
    manager = make_manager()
    with pytest.warns(DeprecationWarning, match='DownloadManager.wish is now called prepare'):
        prepared = manager.wish('http://h/x', retries=1)
    assert prepared == manager.prepare('http://h/x', retries=1)
    with pytest.warns(DeprecationWarning, match=r'wishes=\) is now called targets='):
        assert not list(manager.download_many(wishes=[]))  # type: ignore[call-overload]
