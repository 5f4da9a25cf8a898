"""URLs of stores: names are kept as they are, and nothing but a store is read."""

import pytest

from dlmachine.core.http.url import is_store, join_url, parse_url
from dlmachine.core.text.stores import STORES, install_command


@pytest.mark.parametrize(
    ('text', 'normal'),
    [
        ('s3://bucket/key.csv', 's3://bucket/key.csv'),
        ('S3://My_Bucket/Key', 's3://My_Bucket/Key'),
        ('s3://b/a b/ä', 's3://b/a%20b/%C3%A4'), ('s3://b/%61%2f', 's3://b/a%2F'),
        ('s3://b/a/../b//c/.', 's3://b/a/../b//c/.'),
        ('s3://b/100%', 's3://b/100%25'),
        ('s3://b/k?versionId=a b', 's3://b/k?versionId=a%20b'),
        ('abfs://container@account.dfs.core.windows.net/x', 'abfs://container@account.dfs.core.windows.net/x'),
        ('webhdfs://host:9870/x', 'webhdfs://host:9870/x'),
        ('gs://b/x::file:///y', 'gs://b/x::file:///y'),
        ('s3://b/a\x85b', 's3://b/a%C2%85b'),
    ],
)  # fmt: skip
def test_the_normal_form(text: str, normal: str) -> None:
    """Case, dot segments and doubled slashes are part of names; the normal form stays the same."""
    assert str(parse_url(text).unwrap()) == normal
    assert str(parse_url(normal).unwrap()) == normal


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('s3://bucket', 'names no file of a store'), ('s3://bucket/', 'names no file of a store'),
        ('s3:///key', 'names no file of a store'), ('s3://a b/key', 'names no file of a store'),
        ('s3://b%41/key', 'names no file of a store'), ('s3://@/key', 'names no file of a store'),
        ('s3://b/key#1', 'contains #'), ('s3://b/%00', 'contains %00'),
        ('s3:b/key', 'has no scheme'), ('s3://b/a\nb', 'contains'),
    ],
)  # fmt: skip
def test_what_is_not_one(text: str, problem: str) -> None:
    """An error says what is wrong."""
    assert problem in parse_url(text).failure().what()


@pytest.mark.parametrize(
    'scheme', ['file', 'local', 'reference', 'simplecache', 'zip', 'http', 'git', 'dask']
)
def test_what_reads_something_else(scheme: str) -> None:
    """File systems of fsspec that read this computer, or wrap another URL, are no stores."""
    assert not is_store(f'{scheme}://h/x')
    assert scheme not in STORES


def test_how_each_is_installed() -> None:
    """By the names of the packages."""
    commands = {install_command(scheme) for scheme in STORES}
    assert {'pip install fsspec', 'pip install fsspec s3fs', 'pip install fsspec adlfs'} < commands


def test_a_redirect_within_a_store() -> None:
    """A reference is resolved as any other."""
    base = parse_url('s3://Bucket/a/b').unwrap()
    assert join_url(base, 'https://h/x').unwrap().scheme == 'https'
