"""How the cache handled a request, in the words of RFC 9211.  Pure."""

from enum import Enum
from typing import Final

from dlmachine.core.frozen import frozen

_CACHE: Final = 'dlmachine'


class Forward(Enum):
    """Why a request went to the server (RFC 9211 section 2.2)."""

    BYPASS = 'bypass'
    METHOD = 'method'
    URI_MISS = 'uri-miss'
    VARY_MISS = 'vary-miss'
    REQUEST = 'request'
    STALE = 'stale'
    PARTIAL = 'partial'


@frozen
class CacheStatus:
    """How the cache handled a request: a hit if `forward` is None.

    `forward_status` is the status of the server's response, `is_stored` says whether the response
    was stored, and `ttl` is the time for which it is fresh, in seconds, negative if it is stale.

    >>> print(CacheStatus(ttl=376))
    dlmachine; hit; ttl=376
    >>> print(CacheStatus(forward=Forward.STALE, forward_status=304, is_stored=True))
    dlmachine; fwd=stale; fwd-status=304; stored
    """

    forward: Forward | None = None
    forward_status: int | None = None
    is_stored: bool = False
    ttl: int | None = None

    def __str__(self) -> str:
        """The value of a Cache-Status field."""
        words = [_CACHE]
        words.append('hit' if self.forward is None else f'fwd={self.forward.value}')
        if self.forward_status is not None:
            words.append(f'fwd-status={self.forward_status}')
        if self.is_stored:
            words.append('stored')
        if self.ttl is not None:
            words.append(f'ttl={self.ttl}')
        return '; '.join(words)
