"""The Digest scheme: the answer to a challenge (RFC 7616).

Pure. SHA-256 and MD5, each also as a session. The quality of protection is `auth`, or `auth-int` if
the server offers nothing else: then the response also depends on the body. The strongest algorithm
that the server offers is used (section 3.7).
"""

from collections.abc import Iterable
from hashlib import new
from typing import Final
from urllib.parse import quote

from dlmachine.core.access.challenges import Challenge
from dlmachine.core.frozen import frozen
from dlmachine.core.http.url import Url

#: Supported algorithms, the preferred one first, with their names in `hashlib`.
_ALGORITHMS: Final = {
    'sha-256-sess': 'sha256',
    'sha-256': 'sha256',
    'md5-sess': 'md5',
    'md5': 'md5',
}
_PREFERENCE: Final = ('sha-256', 'sha-256-sess', 'md5', 'md5-sess')


@frozen
class DigestChallenge:
    """A challenge that can be answered, and how often its nonce has been used."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None = None
    has_qop: bool = True
    qop: str = 'auth'
    is_stale: bool = False
    hashes_user: bool = False
    named_algorithm: bool = True
    count: int = 1


def choose_digest(challenges: Iterable[Challenge]) -> DigestChallenge | None:
    """The preferred challenge of the Digest scheme that can be answered; None without one.

    >>> from dlmachine.core.access.challenges import parse_challenges
    >>> asked = ['Digest realm="r", nonce="1"', 'Digest realm="r", nonce="2", algorithm=SHA-256']
    >>> choose_digest(parse_challenges(asked)).algorithm
    'sha-256'
    """
    known = [found for one in challenges if (found := _read(one)) is not None]
    return min(known, key=lambda one: _PREFERENCE.index(one.algorithm), default=None)


def _read(challenge: Challenge) -> DigestChallenge | None:
    values = challenge.values
    algorithm = values.get('algorithm', 'md5').lower()
    offered = {one.strip().lower() for one in values.get('qop', 'auth').split(',')}
    qop = next((one for one in ('auth', 'auth-int') if one in offered), None)
    if challenge.scheme != 'digest' or algorithm not in _ALGORITHMS or qop is None:
        return None
    if 'realm' not in values or not values.get('nonce'):
        return None
    return DigestChallenge(
        realm=values['realm'],
        nonce=values['nonce'],
        algorithm=algorithm,
        opaque=values.get('opaque'),
        has_qop='qop' in values,
        qop=qop,
        is_stale=values.get('stale', '').lower() == 'true',
        hashes_user=values.get('userhash', '').lower() == 'true',
        named_algorithm='algorithm' in values,
    )


def answer_digest(
    challenge: DigestChallenge,
    user: str,
    password: str,
    method: str,
    url: Url,
    cnonce: str,
    body: bytes = b'',
) -> str:
    """The value of Authorization for a request (RFC 7616 section 3.4).

    `body` counts only if the quality of protection is `auth-int`. The example is that of section
    3.9.1.

    >>> from dlmachine.core.http.url import parse_url
    >>> asked = DigestChallenge(
    ...     realm='http-auth@example.org',
    ...     nonce='7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    ...     algorithm='sha-256',
    ... )
    >>> url = parse_url('http://www.example.org/dir/index.html').unwrap()
    >>> cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
    >>> sent = answer_digest(asked, 'Mufasa', 'Circle of Life', 'GET', url, cnonce)
    >>> sent.partition('response="')[2][:16]
    '753927fa0e85d155'
    """
    target = f'{url.path}?{url.query}' if url.query else url.path
    count = f'{challenge.count:08x}'
    secret = _hash(challenge, f'{user}:{challenge.realm}:{password}')
    if challenge.algorithm.endswith('-sess'):
        secret = _hash(challenge, f'{secret}:{challenge.nonce}:{cnonce}')
    whole = f'{method}:{target}'
    if challenge.qop == 'auth-int':
        whole = f'{whole}:{_hash(challenge, body)}'
    called = _hash(challenge, whole)
    middle = (
        f'{challenge.nonce}:{count}:{cnonce}:{challenge.qop}'
        if challenge.has_qop
        else challenge.nonce
    )
    name = _hash(challenge, f'{user}:{challenge.realm}') if challenge.hashes_user else user
    fields = [
        _username(name),
        f'realm={_quoted(challenge.realm)}',
        f'nonce={_quoted(challenge.nonce)}',
        f'uri={_quoted(target)}',
        f'response="{_hash(challenge, f"{secret}:{middle}:{called}")}"',
    ]
    if challenge.named_algorithm:
        fields.append(f'algorithm={challenge.algorithm.upper().replace("SESS", "sess")}')
    if challenge.opaque is not None:
        fields.append(f'opaque={_quoted(challenge.opaque)}')
    if challenge.has_qop:
        fields += [f'qop={challenge.qop}', f'nc={count}', f'cnonce={_quoted(cnonce)}']
    if challenge.hashes_user:
        fields.append('userhash=true')
    return f'Digest {", ".join(fields)}'


def _hash(challenge: DigestChallenge, text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    return new(_ALGORITHMS[challenge.algorithm], content, usedforsecurity=False).hexdigest()


def _username(name: str) -> str:
    # RFC 7616 section 3.4.4: a name that is not ASCII is written as in RFC 8187.
    if name.isascii():
        return f'username={_quoted(name)}'
    return f"username*=UTF-8''{quote(name, safe='')}"


def _quoted(text: str) -> str:
    escaped = text.replace('\\', r'\\').replace('"', r'\"')
    return f'"{escaped}"'
