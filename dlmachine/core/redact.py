"""Redaction: what may be shown, stored or logged of a request.

Pure. A *secret* is a value whose name says so: credentials in headers (RFC 9110
section 11), cookies (RFC 6265), userinfo in a URL (RFC 3986 section 3.2.1), and
tokens in a query or body under a name that is used for tokens.
"""

import re
from base64 import b64decode
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

MASK: Final = '***'

_SECRET_NAMES: Final = frozenset({
    'authorization', 'proxy-authorization', 'www-authenticate', 'cookie', 'cookie2',
    'set-cookie', 'set-cookie2', 'authentication-info', 'proxy-authentication-info',
    'key', 'auth', 'sid', 'sig', 'pwd', 'pass', 'passwd', 'jwt', 'otp',
    'jsessionid', 'phpsessid',
})  # fmt: skip

_SECRET_WORDS: Final = re.compile(
    r'token|secret|passw|passphrase|credential|signature|session|bearer|private'
    r'|api[-_.]?key|access[-_.]?key|auth[-_.]?key|subscription[-_.]?key|[-_.]auth|^auth[-_.]|apikey'
    r'|[-_.]sig$|[-_.]key$',
    re.IGNORECASE,
)

#: Of what stands in a cookie, only so much is taken for a secret whatever its name is.
_SHORTEST_OF_COOKIE: Final = 12

#: A secret shorter than this is masked where its name stands, but is not searched for in
#: free text: every text would contain it.
_SHORTEST_SEARCHED: Final = 4

#: Header fields that are a URL, perhaps without its scheme and host.
_URL_FIELDS: Final = frozenset({'location', 'content-location', 'referer'})
#: The targets of Link (RFC 8288 section 3), and where Refresh leads to (HTML, `http-equiv`).
_TARGET: Final = re.compile(r'<([^>]*)>')
_LEADS_TO: Final = re.compile(r'(?i)[^;,]*[;,]\s*(?:url\s*=\s*)?["\']?([^"\']*)')
#: Of any other field that is one the same is true.
_WHOLE_URL: Final = re.compile(r'[A-Za-z][A-Za-z0-9+.\-]*://[^\s]*')

#: What most URLs are: none of it could be a secret.
_PLAIN_URL: Final = re.compile(r'https?://[a-z0-9.\-]+(?::[0-9]+)?/[A-Za-z0-9_.~/\-]*')

#: One download asks for the same few texts dozens of times.
_REMEMBERED: Final = 256


@lru_cache(maxsize=_REMEMBERED)
def is_secret_name(name: str) -> bool:
    """Whether a header, query parameter or field of this name carries a secret.

    >>> is_secret_name('Authorization'), is_secret_name('access_token'), is_secret_name('ids')
    (True, True, False)
    """
    return _is_secret(name.strip().casefold())


def redact_pairs(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The same pairs with the values of secret names masked."""
    return tuple((name, MASK if is_secret_name(name) else value) for name, value in pairs)


def redact_fields(fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Header fields with the values of secret names masked, and secrets in the URLs of others.

    >>> redact_fields([('Cookie', 'a=b'), ('Location', '/x?token=abc')])
    (('Cookie', '***'), ('Location', '/x?token=***'))
    """
    return tuple((name, _redact_urls(name, value)) for name, value in redact_pairs(fields))


def _redact_urls(name: str, value: str) -> str:
    for url in urls_in_field(name, value):
        value = value.replace(url, redact_url(url))
    return value


def urls_in_field(name: str, value: str) -> tuple[str, ...]:
    """The URLs that stand in a header field.

    >>> urls_in_field('Link', '</a?p=1>; rel=prev, </a?p=3>; rel=next')
    ('/a?p=1', '/a?p=3')
    >>> urls_in_field('Refresh', '5; url=/b'), urls_in_field('ETag', '"c"')
    (('/b',), ())
    """
    folded = name.casefold()
    if folded in _URL_FIELDS:
        return (value,)
    if folded == 'link':
        return tuple(_TARGET.findall(value)) or (value,)
    if folded == 'refresh':
        led = _LEADS_TO.match(value)
        return (value if led is None else led[1],)
    return (value,) if '://' in value and _WHOLE_URL.fullmatch(value) else ()


@lru_cache(maxsize=_REMEMBERED)
def redact_url(url: str) -> str:
    """The URL without userinfo, with secret query values masked and without its fragment.

    >>> redact_url('https://me:pw@host/x?token=abc&ids=1')
    'https://***@host/x?token=***&ids=1'
    """
    if _PLAIN_URL.fullmatch(url) is not None:
        return url
    front, slash, rest = url.partition('/')
    if '@' in front:  # Without a scheme that would tell, what stands before may be a login.
        url = f'{MASK}@{front.rpartition("@")[2]}{slash}{rest}'
    parts = _split(url)
    return MASK if parts is None else _redact_parts(parts)


def _redact_parts(parts: SplitResult) -> str:
    host = parts.netloc.rpartition('@')
    netloc = f'{MASK}@{host[2]}' if host[1] else host[2]
    query = '&'.join(_redact_field(field) for field in parts.query.split('&'))
    return parts._replace(netloc=netloc, query=query, fragment='').geturl()


@lru_cache(maxsize=_REMEMBERED)
def secrets_in_url(url: str) -> frozenset[str]:
    """Every secret text that stands in the URL, as written and decoded."""
    if _PLAIN_URL.fullmatch(url) is not None:
        return frozenset()
    parts = _split(url)
    return frozenset({url}) if parts is None else _secrets_in(parts)


def _secrets_in(parts: SplitResult) -> frozenset[str]:
    userinfo, marked, _ = parts.netloc.rpartition('@')
    found = {userinfo, *userinfo.split(':', 1)} if marked else set()
    for field in parts.query.split('&'):
        name, _, value = field.partition('=')
        if is_secret_name(unquote_plus(name)):
            found.add(value)
    decoded = {unquote(text) for text in found} | {unquote_plus(text) for text in found}
    return frozenset(text for text in found | decoded if text)


def secrets_in_pairs(pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Every secret value among the pairs; of credentials and cookies also what is in them.

    >>> sorted(secrets_in_pairs([('Authorization', 'Bearer x'), ('Cookie', 'a=b; sid=c')]))
    ['Bearer x', 'a=b; sid=c', 'c', 'sid=c', 'x']
    """
    found = {(name, value) for name, value in pairs if is_secret_name(name) and value.strip()}
    return frozenset(text for name, value in found for text in _secrets_in_value(name, value))


def secrets_in_fields(fields: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Every secret value among header fields, and every secret in the URLs that stand there.

    >>> secrets_in_fields([('Referer', 'https://h/?token=abc')])
    frozenset({'abc'})
    """
    fields = tuple(fields)
    urls = [url for name, value in fields for url in urls_in_field(name, value)]
    return secrets_in_pairs(fields).union(*map(secrets_in_url, urls))


def _secrets_in_value(name: str, value: str) -> Iterator[str]:
    scheme, _, rest = value.strip().partition(' ')
    yield value
    yield value.split(None, 1)[-1]
    if name.strip().casefold() == 'cookie':
        for crumb in value.split(';'):
            key, _, text = crumb.strip().partition('=')
            if text and (is_secret_name(key) or len(text) >= _SHORTEST_OF_COOKIE):
                yield text.strip('"')
    if scheme.casefold() == 'basic':
        # RFC 7617: user and password, coded so that anybody can read them.
        password = _decoded(rest.strip()).partition(':')[2]
        if password:
            yield password


def _decoded(coded: str) -> str:
    try:
        return b64decode(coded, validate=True).decode('utf-8', 'replace')
    except ValueError:
        return ''


def scrub(text: str, secrets: Collection[str]) -> str:
    """The text with each of the secrets masked, however it is written there.

    For the words of others: escapes of URLs and another case are seen through.

    >>> scrub('no route for https://h/?token=a%2fb+c', {'a/b c'})
    'no route for https://h/?token=***'
    """
    if not secrets:
        return text  # Most often so, and each field of each head comes here.
    searched = frozenset(secret for secret in secrets if len(secret) >= _SHORTEST_SEARCHED)
    return _pattern(searched).sub(MASK, text) if searched else text


@lru_cache(maxsize=64)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted(secrets, key=lambda secret: (-len(secret), secret))
    ways = (''.join(map(_spellings, secret)) for secret in longest_first)
    return re.compile('|'.join(ways), re.IGNORECASE)


@lru_cache(maxsize=512)
def _spellings(character: str) -> str:
    coded = character.encode('utf-8', 'surrogatepass')
    ways = [re.escape(character), ''.join(f'%{byte:02x}' for byte in coded)]
    if character == ' ':
        ways.append(re.escape('+'))
    if not character.isascii():  # Headers are read as ISO 8859-1.
        ways.append(re.escape(coded.decode('latin-1')))
    return f'(?:{"|".join(ways)})'


def _is_secret(folded: str) -> bool:
    return folded in _SECRET_NAMES or _SECRET_WORDS.search(folded) is not None


def _redact_field(field: str) -> str:
    name, separator, _ = field.partition('=')
    return f'{name}={MASK}' if separator and is_secret_name(unquote_plus(name)) else field


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
