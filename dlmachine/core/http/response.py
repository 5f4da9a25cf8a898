"""The response: its head, and what was received of its content.  Pure."""

from dlmachine.core.deprecation import renamed
from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers


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

    `size_bytes` and the digests are of the whole part, `wire_bytes` counts what this
    exchange alone brought, before any decoding. `start` are the first bytes of the part,
    as `keep_start` cuts them; `gzip_problem` is what is wrong with the gzip stream in
    it, if that was to be checked. `rest_bytes` follow the end of that stream and are in the part;
    `coded_rest_bytes` followed the end of a coded body, and are not. Of a range behind the first
    byte only the counts are known.
    """

    size_bytes: int
    wire_bytes: int
    sha256: str
    digests: tuple[tuple[str, str], ...] = ()
    start: bytes = b''
    gzip_problem: str | None = None
    rest_bytes: int = 0
    coded_rest_bytes: int = 0


__getattr__ = renamed(globals(), {'Head': 'ResponseHead'})
