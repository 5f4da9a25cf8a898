"""URLs: parse, normalise, join, and compare origins.

Pure. RFC 3986 for syntax and normalisation (section 6.2.2), RFC 6454 for origins,
UTS 46 for host names.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.host import ascii_host
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.text.control_chars import find_control_char

#: The scheme of DOIs, `doi:10.5281/zenodo.1`: the prefix takes the place of the host.
DOI: Final = 'doi'
DEFAULT_PORTS: Final = {'http': 80, 'https': 443, 'ftp': 21, 'ftps': 990, 'sftp': 22, 'scp': 22}

_SCHEME: Final = regex(r'[A-Za-z][A-Za-z0-9+.\-]*')
_PERCENT: Final = regex(r'%([0-9A-Fa-f]{2})')
_STRAY_PERCENT: Final = regex(r'%(?![0-9A-Fa-f]{2})')
_UNRESERVED: Final = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~')
_PATH_SAFE: Final = "%/:@!$&'()*+,;=~"
_QUERY_SAFE: Final = _PATH_SAFE + '?'
_USERINFO_SAFE: Final = "%:!$&'()*+,;=~"
#: A DOI: its prefix and its suffix.
_DOI: Final = regex(r'(10\.[0-9.]{4,20})(/.+)')
_LOCAL: Final = 'names a local file; only URLs of servers can be downloaded'
_MAX_CHARACTERS: Final = 65_536
#: Labels of 1 to 63 characters (RFC 1035 section 2.3.4).
_HOST_NAME: Final = regex(r'(?:[a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63})*)?')
#: A host, with or without port and path, of a URL without its scheme.
_HOST_FIRST: Final = regex(
    r'(?i)(?:localhost|[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,9})(?::[0-9]{1,5})?(?:/[^\s]{0,60})?'
)
#: URLs in normal form without userinfo and escapes, as most are.
_NORMAL: Final = regex(
    r'(https?)://([a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63})*)(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?'
    r"(/[A-Za-z0-9_.~/:@!$&'()*+,;=\-]*)(?:\?([A-Za-z0-9_.~/:@!$&'()*+,;=?\-]+))?"
)
#: IPv6, with a zone (RFC 6874).
_ADDRESS: Final = regex(r'[0-9a-f:.]+(%[a-z0-9_.~\-]+)?')


@frozen(kw_only=False)
class Url:
    """A URL in normal form; `str()` writes it, `repr()` masks its secrets.

    Host in lower case and in ASCII (UTS 46), default port dropped, dot segments removed,
    percent-encoding in one way only, no fragment.
    """

    scheme: str
    host: str
    port: int | None = None
    path: str = '/'
    query: str = ''
    userinfo: str = ''

    def __str__(self) -> str:
        """The complete URL with its secrets: for requests and cache keys only."""
        userinfo = f'{self.userinfo}@' if self.userinfo else ''
        query = f'?{self.query}' if self.query else ''
        joint = ':' if self.scheme == DOI else '://'
        return f'{self.scheme}{joint}{userinfo}{self.authority}{self.path}{query}'

    def __repr__(self) -> str:
        """Show the URL with secrets masked."""
        return f'Url({redact_url(str(self))!r})'

    @property
    def authority(self) -> str:
        """The host, with the port unless it is the default."""
        return self.host if self.port is None else f'{self.host}:{self.port}'

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """The origin: scheme, host and effective port (RFC 6454 section 4)."""
        return self.scheme, self.host, self.port or DEFAULT_PORTS.get(self.scheme)

    def without_userinfo(self) -> 'Url':
        """The same URL without user name and password."""
        return replace(self, userinfo='')


def parse_url(text: object, where: str = 'url') -> Result[Url, Fault]:
    """Parse an absolute URL into normal form; `where` names the argument in a fault.

    Faults: `InvalidInput`.

    >>> str(parse_url('HTTP://Example.org:80/a/../b c').unwrap())
    'http://example.org/b%20c'
    >>> parse_url('example.org/x').failure().problem
    "'example.org/x' has no scheme"
    """
    if not isinstance(text, str):
        problem = f'must be text, not {type(text).__name__}'
        is_several = isinstance(text, (list, tuple, set, frozenset))
        advice = 'Pass several URLs to download_many' if is_several else 'Pass it as text'
        return refuse(where, problem, advice)
    return _remembered(text, where)


@lru_cache(maxsize=256)
def _remembered(text: str, where: str) -> Result[Url, Fault]:
    # One download parses the same URL many times.
    return _parse(text, where)


def _parse(text: str, where: str) -> Result[Url, Fault]:
    if len(text) <= _MAX_CHARACTERS:
        normal = _NORMAL.fullmatch(text)
        # A dot after a slash may begin a dot segment.
        if normal is not None and '/.' not in normal[4]:
            scheme, host, port, path, query = normal.groups('')
            number = int(port) if port and int(port) != DEFAULT_PORTS[scheme] else None
            return Success(Url(scheme=scheme, host=host, port=number, path=path, query=query))
    return _normalise(text, where)


def _normalise(text: str, where: str) -> Result[Url, Fault]:
    fault = _find_fault(text, where)
    if fault is not None:
        return Failure(fault)
    first, _, rest = text.strip(' ').partition(':')
    doi = _DOI.fullmatch(rest) if first.lower() == DOI else None
    if doi is not None:
        return Success(Url(scheme=DOI, host=doi[1], path=normal_escapes(doi[2], _PATH_SAFE)))
    try:
        parts = urlsplit(text.strip(' '))
        host, port = _normal_host(_host_of(parts.netloc)), parts.port
    except (ValueError, UnicodeError) as error:
        return refuse(where, f'is not a URL: it has a {_reason(error)}')
    scheme = parts.scheme.lower()
    userinfo = parts.netloc.rpartition('@')[0]
    if not host:
        return refuse(where, _LOCAL if scheme == 'file' else 'has no host')
    url = Url(
        scheme=scheme,
        host=host,
        port=None if port == DEFAULT_PORTS.get(scheme) else port,
        path=_without_dots(normal_escapes(parts.path, _PATH_SAFE)) or '/',
        query=normal_escapes(parts.query, _QUERY_SAFE),
        userinfo=normal_escapes(userinfo, _USERINFO_SAFE),
    )
    # Escapes make a URL longer, and its normal form must be within the limit too.
    long = _find_excess(str(url), where)
    return Success(url) if long is None else Failure(long)


def join_url(base: Url, reference: str) -> Result[Url, Fault]:
    """Resolve the reference in a `Location` against a base URL (RFC 3986 section 5).

    >>> base = parse_url('https://h/a/b').unwrap()
    >>> str(join_url(base, '../c?x=1').unwrap())
    'https://h/c?x=1'
    """
    fault = find_control_char('Location', reference)
    if fault is not None:
        return Failure(fault)
    try:
        joined = urljoin(str(base.without_userinfo()), reference.strip(' \t'))
    except ValueError as error:
        return refuse('Location', f'is not a URL: it has a {_reason(error)}')
    return parse_url(joined, 'Location')


def normal_path(path: str) -> str:
    """Normalise a path like those in URLs.

    >>> normal_path('/%7euser/ä')
    '/~user/%C3%A4'
    """
    return normal_escapes(path, _PATH_SAFE)


def normal_escapes(text: str, safe: str) -> str:
    """Normalise percent-encoding (RFC 3986 section 6.2.2).

    Unreserved characters are decoded, other escapes written in upper case, and characters that
    are not legal in a URL are encoded as UTF-8.

    >>> normal_escapes('%7euser/%c3%a9/é', '/%')
    '~user/%C3%A9/%C3%A9'
    """
    kept = _STRAY_PERCENT.sub('%25', text)
    return quote(_PERCENT.sub(_normal_escape, kept), safe=safe)


def _normal_escape(match: re.Match[str]) -> str:
    character = chr(int(match.group(1), 16))
    return character if character in _UNRESERVED else match.group().upper()


def _find_fault(text: str, where: str) -> InvalidInput | None:
    breaker = find_control_char(where, text)
    if breaker is not None:
        return breaker
    if '\t' in text:
        # urlsplit would remove it, and the rest may be the URL of another file.
        position = text.index('\t')
        problem = f'contains TAB at position {position}'
        return InvalidInput(where=where, problem=problem, advice='Pass one URL at a time')
    excess = _find_excess(text, where)
    if excess is not None:
        return excess
    scheme, colon, rest = text.strip(' ').partition(':')
    if colon and scheme.lower() == DOI:
        return _find_doi_fault(rest, where)
    if not colon or _SCHEME.fullmatch(scheme) is None or not rest.startswith('//'):
        return _no_scheme(text, where)
    return None


def _find_doi_fault(rest: str, where: str) -> InvalidInput | None:
    if _DOI.fullmatch(rest):
        return None
    advice = 'A DOI looks like doi:10.5281/zenodo.1234567'
    return InvalidInput(where=where, problem=f'{shown_value(rest)} is not a DOI', advice=advice)


_BEGIN: Final = 'A URL begins with https://, for example'


def _no_scheme(text: str, where: str) -> InvalidInput:
    # The caller's secret names are not known here, so parameters are not shown.
    shown = redact_url(re.split('[?#;]', text.strip(' '), maxsplit=1)[0])
    advice = f'Did you mean https://{shown}?' if _HOST_FIRST.fullmatch(shown) else _BEGIN
    problem = f'{shown_value(shown)} has no scheme'
    return InvalidInput(where=where, problem=problem, advice=advice)


def _find_excess(text: str, where: str) -> InvalidInput | None:
    if len(text) <= _MAX_CHARACTERS:
        return None
    return InvalidInput(
        where=where,
        problem=f'has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are allowed',
        advice='Send long queries in a body: post=True',
    )


def _host_of(netloc: str) -> str:
    # Not `urlsplit().hostname`: its lower case turns a final Σ into ς, which is another name.
    host = netloc.rpartition('@')[2]
    _, bracket, rest = host.partition('[')
    if not bracket:
        return host.partition(':')[0]
    address = rest.partition(']')[0]
    if ':' not in address:
        # An IP address of a later version (RFC 3986 section 3.2.2) would be read as a name.
        raise ValueError('not an address')
    return address


def _normal_host(host: str) -> str:
    is_address = ':' in host
    named = host if host.isascii() else ascii_host(host)
    lowered = named.lower() if is_address else named.lower().removesuffix('.')
    if not (_ADDRESS if is_address else _HOST_NAME).fullmatch(lowered):
        raise ValueError('not a host name')
    return f'[{lowered}]' if is_address else lowered


def _without_dots(path: str) -> str:
    # RFC 3986 section 5.2.4, on segments.
    kept: list[str] = []
    segments = path.split('/')
    for segment in segments:
        if segment == '..':
            if len(kept) > 1:
                kept.pop()
        elif segment != '.':
            kept.append(segment)
    if segments[-1] in {'.', '..'}:
        kept.append('')
    return '/'.join(kept)


def _reason(error: Exception) -> str:
    # Messages of the standard library quote the URL with its secrets.
    return (
        'port that is not a number from 0 to 65535'
        if str(error).startswith('Port')
        else 'malformed host'
    )
