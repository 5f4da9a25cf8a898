"""The size, digest and source of the complete file, as the first response describes them.

Pure. A later range belongs to the same file only if its response describes the same size and
source: an equal ETag at another URL, or with another size, is another version.
"""

from functools import lru_cache
from hashlib import sha256
from typing import TypeAlias

from dlmachine.core.frozen import frozen

#: The name of a header field, the algorithm, and the digest in hex that it promises.
Promise: TypeAlias = tuple[str, str, str]


@frozen
class Representation:
    """The known properties of a complete file: its size, its source, its promised digest."""

    size_bytes: int | None = None
    source: str = ''
    promised: Promise | None = None


@lru_cache(maxsize=256)
def source_digest(url: str) -> str:
    """A digest that identifies a source by scheme, host and path, without its secrets.

    >>> source_digest('https://me:pw@h/x?sig=1') == source_digest('https://h/x?sig=2')
    True
    """
    scheme, _, rest = url.partition('?')[0].partition('://')
    authority, slash, path = rest.partition('/')
    host = authority.rpartition('@')[2]
    return sha256(f'{scheme}://{host}{slash}{path}'.encode()).hexdigest()[:16]
