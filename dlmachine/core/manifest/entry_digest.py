"""The digest of an entry, by which a lockfile knows that the entry has changed.

Pure. It covers what says which bytes the server sends: method, URL, header fields and body, and the
checksum. Mirrors, options, the path of the file and what the cache key ignores do not count, and
neither do secrets: a new token is not a change, and the digest reveals nothing about it.
"""

import json
from hashlib import sha256
from pathlib import PurePath
from typing import assert_never

from dlmachine.core.access.auth import DEFAULT_AUTH
from dlmachine.core.cache.key import identity
from dlmachine.core.frozen import replace
from dlmachine.core.http import body as bodies
from dlmachine.core.http.headers import Headers
from dlmachine.core.secrets.configuration import redact_value
from dlmachine.core.secrets.redact import MASK, Redactor, is_secret_name
from dlmachine.core.secrets.url_secrets import is_plain_url
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy


def entry_digest(descriptor: Descriptor, policy: Policy) -> str:
    """The digest of an entry: 64 hex digits.

    >>> one, two = (Descriptor.parse(f'http://h/t?token={token}').unwrap() for token in 'ab')
    >>> entry_digest(one, Policy()) == entry_digest(two, Policy())
    True
    """
    if _is_plain(descriptor):
        text = f'{identity(descriptor).decode()}\n{_expected(policy)}'
        return sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()
    redactor = descriptor.redactor
    shown = Descriptor(
        url=redactor.url(descriptor.url),
        method=descriptor.method,
        query=redactor.pairs(descriptor.query),
        headers=Headers(redactor.fields(descriptor.headers)),
        body=_without_secrets(descriptor.body, redactor),
        key_without=descriptor.key_without,
        key_ignores_query=descriptor.key_ignores_query,
    )
    text = f'{redactor.text(identity(shown).decode())}\n{_expected(policy)}'
    return sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()


def _is_plain(descriptor: Descriptor) -> bool:
    # Nothing in it can be a secret, as in most entries.
    one = descriptor
    has_more = one.query or one.headers.items or one.secret_names or one.mirrors
    is_default = one.auth is DEFAULT_AUTH and type(one.body) is bodies.NoBody
    return is_default and not has_more and is_plain_url(one.url)


def _expected(policy: Policy) -> str:
    found = policy.checksum_file
    if found is None:
        return '' if policy.checksum is None else str(policy.checksum)
    # A path differs from machine to machine.
    return str(found) if found.is_url else PurePath(found.location).name


def _without_secrets(body: bodies.Body, redactor: Redactor) -> bodies.Body:
    match body:
        case bodies.NoBody():
            return body
        case bodies.FormBody(pairs=pairs):
            return bodies.FormBody(redactor.pairs(pairs))
        case bodies.JsonBody(text=text):
            return bodies.JsonBody(json.dumps(redact_value(json.loads(text), redactor.names)))
        case bodies.RawBody(data=data):
            return replace(body, data=_scrubbed(data, redactor))
        case bodies.MultipartBody(parts=parts):
            return bodies.MultipartBody(tuple(_masked(part, redactor) for part in parts))
        case _:
            assert_never(body)


def _masked(part: bodies.Part, redactor: Redactor) -> bodies.Part:
    if not isinstance(part, bodies.ContentPart):
        return part
    is_secret = is_secret_name(part.name, redactor.names)
    content = MASK.encode() if is_secret else _scrubbed(part.content, redactor)
    return replace(part, content=content)


def _scrubbed(data: bytes, redactor: Redactor) -> bytes:
    text = data.decode('utf-8', 'surrogateescape')
    return redactor.text(text).encode('utf-8', 'surrogateescape')
