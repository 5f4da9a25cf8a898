"""The secondary key of a stored variant (RFC 9111 section 4.1).

Pure. By it a registry finds the few variants that may answer a request, however many there are. It
is coarser than the choice in `caching.variants`, which is made among them: User-Agent, which a
policy sets, does not count.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.caching.stored_response import SelectingFields
from dlmachine.core.caching.variants import selecting_fields
from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import DEFAULT_FIELDS
from dlmachine.core.regex import regex
from dlmachine.core.spec.descriptor import Descriptor

#: The characters of a list of names (RFC 9110 section 5.1), and its length. A response with
#: another Vary has no key, and is always among those that are found.
_NAMES: Final = regex(r"[-!#$%&'*+.^_`|~0-9a-z,]{1,1000}")


def variant_key(record: DownloadRecord) -> str:
    """The key of a response: the names of Vary, and a digest of the values in its request.

    Empty for a response that does not vary, or whose Vary is not a list of names.
    """
    selecting = selecting_fields(Headers(record.request_headers), Headers(record.response_headers))
    names = ','.join(name for name, _ in selecting)
    return _key(names, selecting) if _NAMES.fullmatch(names) else ''


def variant_keys(descriptor: Descriptor, lists: Iterable[str]) -> tuple[str, ...]:
    """The keys that variants for a request have, with these lists of names.

    >>> variant_keys(Descriptor(url='http://h/'), ['accept', 'range'])[0][:15]
    'accept:0ad38f02'
    """
    sent = descriptor.headers.with_defaults(*DEFAULT_FIELDS)
    asked = Headers(descriptor.redactor.fields(sent.items))
    return tuple(
        _key(names, selecting_fields(asked, Headers((('Vary', names),)))) for names in lists
    )


def _key(names: str, selecting: SelectingFields) -> str:
    counted = [one for one in selecting if one[0] != 'user-agent']
    return f'{names}:{sha256(json.dumps(counted).encode()).hexdigest()[:32]}'
