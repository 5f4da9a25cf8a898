"""Checksums: an expected digest, or the location of a checksum file.

Pure. `checksum_file` parses checksum files.
"""

import hashlib
import re
from dataclasses import field
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.secrets.secret_names import SecretNames

_SHORT_NAMES: Final = {
    'sha': 'sha1', 'sha-1': 'sha1', 'sha-224': 'sha224', 'sha-256': 'sha256',
    'sha-384': 'sha384', 'sha-512': 'sha512', 'sha2-256': 'sha256', 'sha2-512': 'sha512',
    'b2': 'blake2b',
}  # fmt: skip
#: The algorithms of fixed length whose digests are searched for in a cache.
ALGORITHMS: Final = (
    'blake2b', 'blake2s', 'md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha3_224', 'sha3_256',
    'sha3_384', 'sha3_512', 'sha512',
)  # fmt: skip


@frozen(kw_only=False)
class Checksum:
    """The expected digest of the complete file: an algorithm of hashlib and lower-case hex.

    >>> str(Checksum('md5', 'd41d8cd98f00b204e9800998ecf8427e'))
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """

    algorithm: str
    hex: str

    def __str__(self) -> str:
        """The checksum in the form of the option: `sha256:<hex>`."""
        return f'{self.algorithm}:{self.hex}'


@frozen(kw_only=False)
class ChecksumList:
    """The location of a checksum file: a path, or a URL in normal form.

    `secret_names` are those of the descriptor of the file to check.
    """

    location: str
    secret_names: SecretNames = field(default=(), compare=False)

    @property
    def is_url(self) -> bool:
        """Whether the checksum file has to be downloaded."""
        return '://' in self.location

    def __str__(self) -> str:
        """The location with secrets masked."""
        return redact_url(self.location, self.secret_names) if self.is_url else self.location

    def __repr__(self) -> str:
        """Show the location with secrets masked."""
        return f'ChecksumList({str(self)!r})'


@lru_cache(maxsize=64)
def find_algorithm(name: str) -> str | None:
    """The hashlib name of a digest algorithm of fixed length, from any of its spellings.

    >>> find_algorithm('SHA-256'), find_algorithm('sha3_512'), find_algorithm('crc32')
    ('sha256', 'sha3_512', None)
    """
    spelled = {known.replace('_', '-'): known for known in hashlib.algorithms_guaranteed}
    found = (spelled | _SHORT_NAMES).get(name.lower().replace('_', '-'))
    return found if found and digest_bytes(found) else None


@lru_cache(maxsize=64)
def digest_bytes(algorithm: str) -> int:
    """The length of the algorithm's digests in bytes; 0 if it is variable."""
    return hashlib.new(algorithm, usedforsecurity=False).digest_size


def is_checksum_list(value: object) -> bool:
    """Whether the value of `checksum` is the location of a checksum file.

    >>> [is_checksum_list(one) for one in ('sha256:00', 'sums/SHA256SUMS', 'http://h/x.md5')]
    [False, True, True]
    """
    if isinstance(value, (PurePath, ChecksumList)):
        return True
    if not isinstance(value, str) or find_algorithm(re.split('[:=]', value)[0].strip()):
        return False
    return '/' in value or '\\' in value or _LIST_NAME.search(value) is not None


#: Names of checksum files: SHA256SUMS, checksums.txt, data.csv.md5.
_LIST_NAME: Final = regex(r'(?i)(sums?|checksums?)(\.[a-z]+)?$|\.(md5|sha\d{1,3}|b2)(sum)?$')
