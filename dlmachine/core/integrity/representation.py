"""What the first answer said of the whole: its size, its digest, and where it came from.

Pure. A rest is of the same whole only if nothing that is said of it later differs: the same
ETag at another place, or with another size, is another version.
"""

from functools import lru_cache
from hashlib import sha256
from urllib.parse import SplitResult, urlsplit

from dlmachine.core.frozen import frozen


@frozen
class Representation:
    """`size_bytes` of the whole, the `source` that answered, and a digest that was `promised`.

    `promised` is the field that it stood in, the algorithm, and the digest in hex.
    """

    size_bytes: int | None = None
    source: str = ''
    promised: tuple[str, str, str] | None = None


@lru_cache(maxsize=256)
def source_digest(url: str) -> str:
    """What stands for the place that answered: scheme, host and path, without any secret.

    >>> source_digest('https://me:pw@h/x?sig=1') == source_digest('https://h/x?sig=2')
    True
    """
    return _place(urlsplit(url))


def _place(parts: SplitResult) -> str:
    host = parts.netloc.rpartition('@')[2]
    return sha256(f'{parts.scheme}://{host}{parts.path}'.encode()).hexdigest()[:16]
