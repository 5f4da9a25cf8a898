"""The head of a response, and the properties of its received body.  Pure."""

from typing import TYPE_CHECKING, Final

from dlmachine.core.deprecation import renamed
from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers

#: The status of a proxy that asks for a login (RFC 9110 section 15.5.8).
PROXY_LOGIN: Final = 407


@frozen
class ResponseHead:
    """Status and header fields of a response, or their equivalents in other protocols.

    `public_suffixes` are the domains in its cookies that are public suffixes, such as `co.uk`: the
    adapter that reads the head has the list of them.
    """

    status: int
    headers: Headers = Headers()
    reason: str = ''
    version: str = ''
    public_suffixes: tuple[str, ...] = ()


@frozen
class Received:
    """The content of the part after a complete body was received.

    `size_bytes` and the digests are those of the complete part, `wire_bytes` is the number of
    bytes received in this exchange, before decoding. `start` are the first bytes of the part, as
    `keep_start` cuts them; `gzip_problem` is the fault of the gzip stream in the part, if it was
    checked. `rest_bytes` follow the end of that stream and are in the part; `coded_rest_bytes`
    followed the end of a coded body, and are not. If the body was a range that does not begin at
    byte 0, only the counts are set.
    """

    size_bytes: int
    wire_bytes: int
    sha256: str
    digests: tuple[tuple[str, str], ...] = ()
    start: bytes = b''
    gzip_problem: str | None = None
    rest_bytes: int = 0
    coded_rest_bytes: int = 0


if not TYPE_CHECKING:  # Type checkers would accept any name.
    __getattr__ = renamed(globals(), Head='ResponseHead')
