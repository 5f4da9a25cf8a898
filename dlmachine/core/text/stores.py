"""Stores: object stores and remote file systems, which fsspec reads.

Pure. The scheme of a URL says which package of fsspec reads it. Only schemes of this table are
sources: fsspec has others that read files of this computer, or that wrap a second URL.
"""

from typing import Final, NamedTuple

from returns.result import Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.regex import regex


class Package(NamedTuple):
    """The module that must be importable to read a store, and the name to install it by."""

    module: str
    name: str


_S3, _GCS, _AZURE = (Package(name, name) for name in ('s3fs', 'gcsfs', 'adlfs'))
_OCI, _TOS = (Package(name, name) for name in ('ocifs', 'tosfs'))
_FSSPEC: Final = Package('fsspec', 'fsspec')
#: The stores by scheme.
STORES: Final = {
    's3': _S3, 's3a': _S3,
    'gs': _GCS, 'gcs': _GCS,
    'az': _AZURE, 'abfs': _AZURE, 'abfss': _AZURE,
    'oci': _OCI, 'oss': Package('ossfs', 'ossfs'), 'tos': _TOS, 'tosfs': _TOS,
    'box': Package('boxfs', 'boxfs'),
    'dropbox': Package('dropboxdrivefs', 'dropboxdrivefs'),
    'gdrive': Package('gdrive_fsspec', 'gdrive-fsspec'),
    'hdfs': Package('pyarrow', 'pyarrow'),
    'hf': Package('huggingface_hub', 'huggingface_hub'),
    'lakefs': Package('lakefs_spec', 'lakefs-spec'),
    'root': Package('fsspec_xrootd', 'fsspec-xrootd'),
    'smb': Package('smbclient', 'smbprotocol'),
    'dbfs': _FSSPEC, 'memory': _FSSPEC, 'webhdfs': _FSSPEC,
}  # fmt: skip

#: User information, authority, path and query. Names of buckets and folders have upper case.
_STORE: Final = regex(
    r'(?s)//(?:([^/@?]{1,1024})@)?([^\s/@?#%\\"<>^`{|}\x00-\x20]{1,255})(?:(/[^?]*)(?:\?(.*))?)?'
)
_EXAMPLE: Final = 'It looks like {}://bucket/folder/file.csv'


class StoreUrl(NamedTuple):
    """What follows the scheme in the URL of a store, in normal form."""

    host: str
    path: str
    query: str = ''
    userinfo: str = ''


def install_command(scheme: str) -> str:
    """The command that installs what a store needs.

    >>> install_command('s3'), install_command('memory')
    ('pip install fsspec s3fs', 'pip install fsspec')
    """
    package = STORES[scheme].name
    return f'pip install fsspec {package}' if package != 'fsspec' else 'pip install fsspec'


def parse_store(scheme: str, rest: str, where: str) -> Result[StoreUrl, Fault]:
    """Parse what follows the colon in the URL of a store.

    The case of the bucket, dot segments and doubled slashes are kept, because they are part of
    names. Escapes stand for their characters. Faults: `InvalidInput`.

    >>> parse_store('s3', '//Bucket/a b/../c', 'url').unwrap().path
    '/a%20b/../c'
    >>> print(parse_store('s3', '//bucket', 'url').failure())
    url names no file of a store. It looks like s3://bucket/folder/file.csv
    """
    from dlmachine.core.text.percent import (
        PATH_SAFE,
        QUERY_SAFE,
        USERINFO_SAFE,
        normal_escapes,
    )

    example = _EXAMPLE.format(scheme)
    if '#' in rest:
        problem = 'is the URL of a file, and contains #'
        return refuse(where, problem, 'In the name of a file it is written %23')
    found = _STORE.fullmatch(rest)
    if found is None or len(found[3] or '') < 2:
        return refuse(where, 'names no file of a store', example)
    path = normal_escapes(found[3], PATH_SAFE)
    if '%00' in path:
        return refuse(where, 'is the URL of a file, and contains %00, which no name may')
    query = normal_escapes(found[4] or '', QUERY_SAFE)
    userinfo = normal_escapes(found[1] or '', USERINFO_SAFE)
    return Success(StoreUrl(found[2], path, query, userinfo))
