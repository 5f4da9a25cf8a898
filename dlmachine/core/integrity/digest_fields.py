"""Digests that a server sends in header fields of its response.

Pure. `Repr-Digest` and `Content-Digest` (RFC 9530), `Digest` (RFC 3230, which it
replaces), `Content-MD5` (RFC 1864) and `x-goog-hash` (Google Cloud Storage). Digests of the bytes
on the wire are ignored if other bytes are stored.
"""

from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from dlmachine.core.http.response import ResponseHead
from dlmachine.core.integrity.checksum import digest_bytes
from dlmachine.core.integrity.representation import Promise

#: Algorithms of the registry of RFC 9530 section 7.2 that hashlib has, strongest first.
_ALGORITHMS: Final = {'sha-512': 'sha512', 'sha-256': 'sha256', 'sha': 'sha1', 'md5': 'md5'}

_FIELDS: Final = frozenset({
    'repr-digest', 'content-digest', 'digest', 'content-md5', 'x-goog-hash',
})  # fmt: skip
_BLANK: Final = ' \t'


def served_digest(head: ResponseHead, *, is_part: bool, is_decoded: bool) -> Promise | None:
    """The strongest digest of the complete file in a response, with the name of its field.

    `is_part` says that the body is a range (206), so that only digests of the complete
    representation count. `is_decoded` says that a content coding is decoded, so that none counts:
    they are digests of the coded bytes (RFC 9530 section 3).

    >>> from dlmachine.core.http.headers import Headers
    >>> headers = Headers((('Content-MD5', '1B2M2Y8AsgTpgAmY7PhCfg=='),))
    >>> served_digest(ResponseHead(status=200, headers=headers), is_part=False, is_decoded=False)
    ('Content-MD5', 'md5', 'd41d8cd98f00b204e9800998ecf8427e')
    """
    if is_decoded or not head.headers.has_any(_FIELDS):
        return None
    found = (*_of_whole(head), *(() if is_part else _of_body(head)))
    return min(found, key=lambda one: _RANKS[one[1]], default=None)


_RANKS: Final = {algorithm: rank for rank, algorithm in enumerate(_ALGORITHMS.values())}


def _of_whole(head: ResponseHead) -> Iterator[Promise]:
    yield from _read(head, 'Repr-Digest', is_structured=True)
    yield from _read(head, 'Digest')
    if not head.headers.get('Content-Encoding'):
        yield from _read(head, 'x-goog-hash')


def _of_body(head: ResponseHead) -> Iterator[Promise]:
    yield from _read(head, 'Content-Digest', is_structured=True)
    digest = _hex('md5', (head.headers.get('Content-MD5') or '').strip(_BLANK))
    if digest is not None:
        yield 'Content-MD5', 'md5', digest


def _read(head: ResponseHead, name: str, *, is_structured: bool = False) -> Iterator[Promise]:
    # No digest contains a comma, so the value can be split at commas: a list, or a dictionary of
    # byte sequences (RFC 9651 sections 3.2 and 3.3.5), in which the last value of a key counts.
    found: dict[str, str] = {}
    for member in filter(None, (head.headers.get(name) or '').split(',')):
        key, _, text = member.partition('=')
        algorithm = _ALGORITHMS.get(key.strip(_BLANK).lower())
        if algorithm is not None:
            text = text.strip(_BLANK)
            found[algorithm] = _byte_sequence(text) if is_structured else text
    for algorithm, coded in found.items():
        digest = _hex(algorithm, coded)
        if digest is not None:
            yield name, algorithm, digest


def _byte_sequence(text: str) -> str:
    """The base64 between two colons, which parameters may follow; empty otherwise."""
    before, _, rest = text.partition(':')
    coded, _, parameters = rest.partition(':')
    is_one = not before and (not parameters or parameters.lstrip(_BLANK).startswith(';'))
    return coded if is_one else ''


def _hex(algorithm: str, coded: str) -> str | None:
    # Some servers write hex or an empty field, whose length is then wrong.
    try:
        digest = b64decode(coded, validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == digest_bytes(algorithm) else None
