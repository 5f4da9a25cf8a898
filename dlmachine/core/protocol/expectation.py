"""What is expected of the response to a request.  Pure."""

from dlmachine.core.frozen import frozen
from dlmachine.core.http.byte_ranges import Spans
from dlmachine.core.integrity.representation import Representation


@frozen
class Expectation:
    """The properties of a request that decide which responses make sense.

    `offset` is the first requested byte, `validator` the strong validator of the bytes before it.
    `etag`, `last_modified` and `size_bytes` describe a stored copy that the response may confirm;
    `is_conditional` says that the request has a condition for it (RFC 9110 section 13). `name` is
    the name of the content, `requested_name` its name in the URL before redirects, `url_digest` a
    digest of that URL: a validator is valid only there. `representation` is what is known of the
    complete file, `cached_source` the source of the stored copy. `checks_content` requests the
    checks that need all bytes of the body, `keeps_codings` keeps bodies in codings that cannot be
    decoded. `last` is the last requested byte (None: to the end). With it, `held` are the spans
    after the offset that the part already has, `whole_bytes` is the expected size of the file, and
    `is_segment` says that only this range of this version is useful. `is_probe` says that only the
    head of the response is. `new_in` is the folder in which the name of the file must not be taken
    (empty: it may be), `named_by` the masked URL that names it if the response does not.
    `is_callers` says that the caller set conditions or a range, and gets the response to them.
    """

    offset: int = 0
    validator: str | None = None
    is_conditional: bool = False
    etag: str | None = None
    last_modified: str | None = None
    size_bytes: int | None = None
    name: str = ''
    requested_name: str = ''
    url_digest: str = ''
    representation: Representation = Representation()
    cached_source: str = ''
    max_bytes: int | None = None
    checks_content: bool = False
    keeps_codings: bool = False
    last: int | None = None
    held: Spans = ()
    whole_bytes: int | None = None
    is_segment: bool = False
    is_probe: bool = False
    new_in: str = ''
    named_by: str = ''
    is_callers: bool = False
