"""A stored response, with all that decides whether it is used again.  Pure."""

from datetime import datetime

from dlmachine.core.frozen import frozen
from dlmachine.core.http.headers import Headers

#: Request fields that Vary names, in lower case, with their values (None: absent).
SelectingFields = tuple[tuple[str, str | None], ...]


@frozen
class StoredResponse:
    """A response in the cache (RFC 9111 section 3).

    `requested_at` is when the request was sent, `received_at` when the response came, or when it
    was last confirmed to be current. `selecting` are the request fields that Vary names. An invalid
    response is used only after the server has confirmed it (section 4.4).
    """

    status: int = 200
    headers: Headers = Headers()
    requested_at: datetime
    received_at: datetime
    selecting: SelectingFields = ()
    is_invalid: bool = False
