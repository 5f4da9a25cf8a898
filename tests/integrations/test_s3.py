"""Objects of S3, from a server on loopback, read by s3fs.

The group `stores` in pyproject.toml has both; `make stores` installs it and runs this.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dlmachine as dm
from dlmachine.core.protocol.outcome import Origin

s3fs: Any = pytest.importorskip('s3fs')
moto: Any = pytest.importorskip('moto.server')

MakeManager = Callable[..., Any]
LOGIN = {'key': 'AKPLANTED', 'secret': 'planted-secret'}
BODY = os.urandom(3_000_000)
URL = 's3://genes/release 1/human.bin'


@pytest.fixture
def backend() -> str:
    """The backend for servers, which stores do not need."""
    return 'requests'


@pytest.fixture(scope='module')
def endpoint() -> Iterator[str]:
    """A server with one bucket."""
    logging.getLogger('werkzeug').setLevel(logging.ERROR)
    server = moto.ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f'http://{host}:{port}'
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Any:
    """The bucket, with one object."""
    system = s3fs.S3FileSystem(endpoint_url=endpoint, **LOGIN, skip_instance_cache=True)
    if not system.exists('genes'):
        system.mkdir('genes')
    system.pipe('genes/release 1/human.bin', BODY)
    return system


@pytest.fixture
def options(bucket: Any, endpoint: str) -> dict[str, Any]:
    """The storage options."""
    return {'endpoint_url': endpoint, **LOGIN}


def test_cache_place_memory_and_segments(
    make_manager: MakeManager, options: dict[str, Any], tmp_path: Path
) -> None:
    """The bytes arrive at each, and a current copy is not transferred again."""
    manager = make_manager(
        tmp_path / 'cache', rules=[{'match': 's3://genes/**', 'storage_options': options}]
    )
    outcome: Any = manager.fetch(URL)
    assert Path(outcome.path).read_bytes() == BODY
    assert outcome.record.sha256 == hashlib.sha256(BODY).hexdigest()
    assert outcome.record.backend == 'fsspec'
    assert manager.fetch(URL).origin is Origin.CACHE
    assert manager.fetch(URL, freshness='always').is_validated
    assert manager.download(URL, dest=False).getvalue() == BODY
    for segments in (1, 4):
        path = manager.download(URL, tmp_path / f'{segments}.bin', segments=segments)
        assert Path(path).read_bytes() == BODY
    found = manager.probe(URL)
    assert (found.status.value, found.size_bytes) == ('alive', len(BODY))
    shown = f'{outcome!r} {manager.plan(URL, freshness="always").to_json()} {manager!r}'
    assert 'lanted' not in shown.replace('implanted', '')
    for file in (tmp_path / 'cache').rglob('*'):
        assert file.is_dir() or b'planted-secret' not in file.read_bytes(), file


def test_a_new_object_is_another_version(
    make_manager: MakeManager, options: dict[str, Any], bucket: Any, tmp_path: Path
) -> None:
    """Its ETag differs."""
    manager = make_manager(tmp_path / 'cache', freshness='always')
    assert manager.fetch(URL, storage_options=options).version == 1
    bucket.pipe('genes/release 1/human.bin', BODY[::-1])
    changed: Any = manager.fetch(URL, storage_options=options)
    assert (changed.version, Path(changed.path).read_bytes()) == (2, BODY[::-1])


def test_a_part_is_resumed(
    make_manager: MakeManager,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the rest of the object is read."""
    read, ranges = s3fs.S3FileSystem._cat_file, []

    async def broken(self: Any, path: str, **words: Any) -> Any:
        ranges.append(words['start'])
        if len(ranges) == 3:
            raise OSError(5, 'Input/output error')
        return await read(self, path, **words)

    monkeypatch.setattr(s3fs.S3FileSystem, '_cat_file', broken)
    path = tmp_path / 'x.bin'
    with pytest.raises(dm.NetworkError, match='Input/output error'):
        make_manager(retries=0).download(URL, path, storage_options=options)
    make_manager().download(URL, path, storage_options=options)
    assert path.read_bytes() == BODY
    assert ranges[:4] == [0, 1 << 18, 3 << 18, (3 << 18) - 1]


def test_a_batch(
    make_manager: MakeManager, options: dict[str, Any], bucket: Any, tmp_path: Path
) -> None:
    """Many objects at once, with names of all kinds."""
    names = ['a b', 'ä', 'x::y', '100%', 'a+b', 'deep/er', "it's"]
    for name in names:
        bucket.pipe(f'genes/many/{name}', name.encode())
    manager = make_manager(tmp_path / 'cache')
    urls = [f's3://genes/many/{name}' for name in names]
    results = list(manager.download_many(urls, False, storage_options=options))
    assert {one.index: one.outcome.content.getvalue() for one in results} == dict(
        enumerate(name.encode() for name in names)
    )


def test_a_version(make_manager: MakeManager, options: dict[str, Any], endpoint: str) -> None:
    """`versionId` names an earlier version of an object in a versioned bucket."""
    system = s3fs.S3FileSystem(
        endpoint_url=endpoint, **LOGIN, version_aware=True, skip_instance_cache=True
    )
    system.mkdir('versions')
    system.call_s3(
        'put_bucket_versioning', Bucket='versions', VersioningConfiguration={'Status': 'Enabled'}
    )
    for data in (b'one', b'two'):
        system.pipe('versions/x', data)
    first = min(system.object_version_info('versions/x'), key=lambda one: one['LastModified'])
    others = [one['VersionId'] for one in system.object_version_info('versions/x')]
    found = {
        make_manager()
        .download(
            f's3://versions/x?versionId={one}', storage_options={**options, 'version_aware': True}
        )
        .getvalue()
        for one in others
    }
    assert found == {b'one', b'two'}
    assert first['VersionId'] in others


@pytest.mark.parametrize(
    ('url', 'changes', 'error', 'text'),
    [
        ('s3://genes/none', {}, dm.NotFoundError, 'answered 404. Check the bucket'),
        ('s3://no-such-bucket/x', {}, dm.NotFoundError, 'bucket does not exist'),
        (URL, {'nonsense': 1}, dm.RequestError, 'storage_options cannot be used'),
        (URL, {'endpoint_url': 'http://127.0.0.1:9'}, dm.NetworkError, 'no connection could be made'),
        (URL, {'key': None, 'secret': None}, dm.AuthError, 'answered 403: Unable to locate credentials'),
        ('s3://genes/release 1', {}, dm.ServerError, 'it is a folder'),
    ],
)  # fmt: skip
def test_faults(
    make_manager: MakeManager, options: dict[str, Any], url: str, changes: Any, error: Any, text: str,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Each says what is wrong, and never the credentials."""
    for name in ('AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE'):
        monkeypatch.setenv(name, str(tmp_path / 'none'))
    monkeypatch.setenv('AWS_EC2_METADATA_DISABLED', 'true')
    with pytest.raises(error, match=text) as caught:
        make_manager(retries=0).download(url, storage_options={**options, **changes})
    assert 'planted-secret' not in str(caught.value)


def test_credentials_of_the_environment_and_of_a_profile(
    make_manager: MakeManager,
    bucket: Any,
    endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """They come as s3fs takes them, and do not count in the cache key."""
    (tmp_path / 'credentials').write_text(
        f'[lab]\naws_access_key_id = {LOGIN["key"]}\naws_secret_access_key = {LOGIN["secret"]}\n'
    )
    monkeypatch.setenv('AWS_SHARED_CREDENTIALS_FILE', str(tmp_path / 'credentials'))
    where = {'endpoint_url': endpoint}
    named = {**where, 'profile': 'lab'}
    assert make_manager().download(URL, storage_options=named).getvalue() == BODY
    monkeypatch.setenv('AWS_ACCESS_KEY_ID', LOGIN['key'])
    monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', LOGIN['secret'])
    assert make_manager().download(URL, storage_options=where).getvalue() == BODY
